"""The contract of a task: head, loss over its valid labels, metrics, and which labels are valid."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torchmetrics import Metric

from plait.core.arguments import Checked
from plait.core.errors import (
    ConfigError,
    DataError,
    NonFiniteError,
    ShapeError,
    UnsupportedError,
)
from plait.core.features import FeatureShape
from plait.core.geometry import Geometry
from plait.core.kinds import Kind
from plait.core.structure import map_tensors
from plait.tasks.constants.predictable import Predictable
from plait.tasks.metric_rules import direction
from plait.tasks.prediction import Prediction, decoded


class BaseTask(Checked, Predictable, ABC):
    """One thing to predict; the base of all tasks.

    The loss is the weighted mean over the valid labels of the batch,

        L = sum_i w_i l(prediction_i, label_i) / sum_i w_i,    w_i = valid_i x example weight_i,

    and ``count`` returns n = sum_i w_i. Losses of one task from several parts, micro-batches or
    processes merge as sum(n L) / sum(n), which is exactly the loss of the joined batch. A task
    whose n is 0 is absent from the step: it gives no loss and no gradient.

    A subclass writes `build_head`, `valid` and `elementwise`; with `summarise` and `constant` it
    has a constant predictor, and with that a skill. `Task` takes them as functions instead.

    Args:
        name: the task's name, the key of its labels.
        metrics: torchmetrics objects by name, the first one being the main metric. They are given
            the valid predictions and labels, as `select` returns them. Each has to know its
            direction (`higher_is_better`) and to come to one number. By default `default_metrics`.
        weight: static weight of the task, positive; multiplies its loss before everything else.

    Attributes:
        kind: what the numbers of a prediction mean, for connections that read them.
        geometry: where a label lies on its input: what augmentation moves, and how `show` is drawn.
        missing: the label that says missing; NaN unless a subclass sets another.
        names: names of the classes or labels, to show them; None for their numbers.

    Raises:
        ConfigError: an empty name, a weight that is not positive, or a metric without direction or
            of several numbers.
    """

    kind: Kind = Kind("other")
    geometry: Geometry = "other"
    missing: float = math.nan
    names: Sequence[str] | None = None

    def __init__(
        self,
        name: str,
        *,
        metrics: Mapping[str, Metric] | None = None,
        weight: float = 1.0,
    ) -> None:
        if not name:
            raise ConfigError("a task needs a name that is not empty.")
        if not 0 < weight < math.inf:
            raise ConfigError(f"`weight` of task {name!r} must be positive; found {weight}.")
        for key, metric in (metrics or {}).items():
            direction(f"{name}/{key}", metric)
        self.name = name
        self.weight = weight
        self.metrics = metrics

    @abstractmethod
    def build_head(self, shape: FeatureShape) -> nn.Module:
        """Builds a new head, a module that maps `Features` to predictions `[B, ...]`.

        Args:
            shape: shapes of the features that the head will read.
        """

    def default_metrics(self) -> dict[str, Metric]:
        """Makes the metrics of a task that was given none; the first is the main one."""
        return {}

    @cached_property
    def metric_prototypes(self) -> Mapping[str, Metric]:
        """The metrics by name, to ask for their direction and bounds; never updated."""
        return self.default_metrics() if self.metrics is None else dict(self.metrics)

    def new_metrics(self) -> dict[str, Metric]:
        """Copies the metrics, for a new evaluation to update."""
        return {name: metric.clone() for name, metric in self.metric_prototypes.items()}

    @abstractmethod
    def valid(self, target: Any) -> Tensor:
        """Says which labels are there: a boolean tensor with one entry for each label."""

    def label_weights(self, target: Any, weights: Tensor | None) -> Tensor:
        """Weighs the labels: w, 0 where a label is missing.

        Args:
            target: the labels.
            weights: example weights `[B]`, or weights or a mask in the shape of the labels; without
                them every label that is there counts alike.

        Returns:
            one entry for each label, as `valid` has them: boolean if nothing is weighted, else of
            the default dtype.

        Raises:
            ShapeError: `weights` has neither of the two shapes.
        """
        there = self.valid(target)
        if weights is None:
            return there
        if weights.shape != there.shape:
            if weights.dim() != 1 or weights.shape[0] != there.shape[0]:
                raise ShapeError(
                    f"weights of task {self.name!r} must be [B] or {list(there.shape)} as its "
                    f"labels; found {list(weights.shape)}."
                )
            weights = weights.reshape(-1, *[1] * (there.dim() - 1))
        return there * weights.to(torch.get_default_dtype())

    def count(self, target: Any, weights: Tensor | None = None) -> float:
        """Counts the valid labels: n, their number, or their mass if they are weighted.

        Called once for each batch, on the CPU, so that no step has to ask the device. Here a kind
        of task checks the range of its labels as well.

        Raises:
            DataError: labels break the task's rule, or a weight is negative or not finite.
            ShapeError: `weights` has neither the shape `[B]` nor that of the labels.
        """
        if weights is not None and not bool(((weights >= 0) & (weights < math.inf)).all()):
            raise DataError(
                f"weights of task {self.name!r} must be finite and not negative. "
                "Give a missing label the weight 0."
            )
        return float(self.label_weights(target, weights).sum(dtype=torch.float64))

    @property
    def label_rule(self) -> Hashable | None:
        """Equal for tasks whose labels are counted together; None for one that counts its own.

        Where it is not None, the class has `count_columns`, all tasks of one rule weigh their
        classes, or none does, and the summary of labels joined is that of their summaries merged.
        """
        return None

    @abstractmethod
    def elementwise(self, prediction: Tensor, target: Any) -> Tensor:
        """Computes the loss of each label, one number for each entry of `valid`.

        Whatever it is for a missing label has weight 0; it must not be NaN in its gradient, since
        NaN times 0 is NaN. Or a scalar, the mean, if no label is ever missing or weighted.

        Raises:
            ShapeError: prediction and labels do not fit.
        """

    def loss(
        self,
        prediction: Tensor,
        target: Any,
        weights: Tensor | None = None,
        *,
        count: float | None = None,
    ) -> Tensor:
        """Computes the weighted mean loss over the valid labels, a scalar with a graph.

        NaN if there is no valid label: ask `count` before.

        Args:
            prediction: of the head, `[B, ...]`.
            target: the labels.
            weights: as in `label_weights`.
            count: the result of `count` for these labels and weights, if it is known: where it says
                that no label is missing, none is looked for again.

        Raises:
            ShapeError: prediction and labels do not fit.
            ConfigError: the loss is a scalar, but labels are missing or weighted.
        """
        per_label = self.elementwise(prediction, target)
        mass = self.label_weights(target, weights)
        if per_label.dim() == 0:
            known = count is not None and count == mass.numel()
            if weights is not None or not (known or bool(mass.all())):
                raise ConfigError(
                    f"the loss of task {self.name!r} is a scalar, so labels cannot be missing or "
                    "weighted. Let it return one number per label (reduction='none')."
                )
            return per_label
        if per_label.shape != mass.shape:
            raise ShapeError(
                f"the loss of task {self.name!r} must be a scalar or one number per label, "
                f"{list(mass.shape)}; found {list(per_label.shape)}."
            )
        if mass.dtype == torch.bool:
            return torch.where(mass, wide(per_label), 0.0).sum() / mass.sum()
        return torch.where(mass > 0, per_label * mass, 0.0).sum() / mass.sum()

    def select(
        self, prediction: Tensor, target: Any, weights: Tensor | None = None
    ) -> tuple[Any, Any]:
        """Selects what the metrics read: predictions and labels of the entries of positive weight.

        Both are empty if no label is valid.
        """
        keep = self.label_weights(target, weights) > 0
        return prediction[keep], map_tensors(lambda labels: labels[keep], target)

    def sequences(
        self, prediction: Tensor, target: Any, weights: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Gives predicted classes and labels `[B, N]` to a `SequenceMetric`; -1 if missing.

        Raises:
            ConfigError: the task has no sequences.
        """
        raise ConfigError(
            f"task {self.name!r} has no sequences, and one of its metrics reads some. Such "
            "metrics, as EntityF1, are for tasks of kind Tagging."
        )

    def decode(self, prediction: Tensor, mask: Tensor | None = None) -> Prediction:
        """Decodes what the head gives into classes, yes or no, or numbers, as `kind` says.

        Args:
            prediction: of the head, `[B, ...]`.
            mask: `[B, N]`, true for real tokens, of the features that the head has read.

        Raises:
            NonFiniteError: the prediction is NaN, which would pass for a class.
        """
        if prediction.is_floating_point() and bool(prediction.isnan().any()):
            raise NonFiniteError(
                f"the predictions of task {self.name!r} are NaN. Look at the inputs first, then at "
                "the weights of the model."
            )
        return decoded(prediction, self.kind, self.names)

    def show(self, target: Any, prediction: Tensor) -> tuple[Any, Any]:
        """Turns the label and the prediction of one example into values that a page can show.

        Args:
            target: labels of one example, without the batch axis.
            prediction: of the same example.

        Returns:
            (true, predicted), by `geometry`: the name of the class ("class"); a name for each token
            ("tags"); the names of the labels that hold ("labels"); a list of numbers ("numbers",
            "point", "box"); an array `[H, W]` of class numbers with -1 for what is left clear
            ("mask"); an array of numbers `[K, H, W]` ("map"). None where a label is missing.

        Raises:
            UnsupportedError: nobody knows how to show this task.
        """
        raise UnsupportedError(
            f"nobody knows how to show task {self.name!r}. Derive a class that writes `show`."
        )


def wide(losses: Tensor) -> Tensor:
    """Returns losses in a dtype that can be summed up: half precision is too short."""
    return losses.to(torch.promote_types(losses.dtype, torch.get_default_dtype()))
