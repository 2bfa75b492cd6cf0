"""What one task is: head, loss over its valid labels, metrics, and the rule for valid labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torchmetrics import Metric

from plait.core.errors import ConfigError, DataError, ShapeError, UnsupportedError
from plait.core.features import Features, FeatureShape
from plait.core.kinds import Kind
from plait.core.structure import map_tensors
from plait.tasks.metrics import direction

__all__ = ["Features", "Task"]


class Task:
    """Anything to predict. The six kinds (`Classification`, ...) fill this in; use it for all else.

    The loss is the weighted mean over the valid labels of the batch,

        L = sum_i w_i l(prediction_i, label_i) / sum_i w_i,    w_i = valid_i x example weight_i,

    and ``count`` returns n = sum_i w_i. Losses of one task from several parts, micro-batches or
    processes merge as sum(n L) / sum(n), which is exactly the loss of the joined batch. A task
    whose n is 0 is absent from the step: it gives no loss and no gradient.

    Args:
        name: the task's name, the key of its labels.
        head: makes the head from the features' shapes, ``head(shape) -> nn.Module``; the module
            maps `Features` to a prediction whose first axis is the batch.
        loss: ``loss(prediction, labels)``, giving one number per label; or a scalar mean, if no
            label is ever missing and no example weighted. Where a label is missing it is given
            another one of the batch, since a gradient through NaN is NaN however it is weighted.
        metrics: torchmetrics objects by name, the first one being the main metric. They are given
            the valid predictions and labels. Each has to know its direction (`higher_is_better`).
        valid: ``valid(labels) -> bool tensor``, true for labels that are there; by default a float
            label is missing where it is NaN, and any other label is there.
        weight: static weight of the task; multiplies its loss before everything else.

    Attributes:
        kind: how the numbers of a prediction are meant, for connections that read them; set it on
            a task of your own whose predictions are classes, labels or numbers.

    Raises:
        ConfigError: an empty name, a weight that is not positive, or a metric without direction.
    """

    kind: Kind = Kind("other")

    def __init__(
        self,
        name: str,
        *,
        head: Callable[[FeatureShape], nn.Module],
        loss: Callable[[Tensor, Any], Tensor],
        metrics: Mapping[str, Metric] | None = None,
        valid: Callable[[Any], Tensor] | None = None,
        weight: float = 1.0,
    ) -> None:
        self._init(name, metrics, weight)
        self.head = head
        self.loss_function = loss
        self.valid_function = valid

    def _init(self, name: str, metrics: Mapping[str, Metric] | None, weight: float) -> None:
        """Sets what every kind of task has."""
        if not name:
            raise ConfigError("a task needs a name that is not empty.")
        if not 0 < weight < math.inf:
            raise ConfigError(f"`weight` of task {name!r} must be positive; found {weight}.")
        self.name = name
        self.weight = weight
        self.metrics = metrics
        self._metrics = dict(metrics) if metrics is not None else self.default_metrics()
        for key, metric in self._metrics.items():
            direction(f"{name}/{key}", metric)

    def default_metrics(self) -> dict[str, Metric]:
        """Returns the metrics of a task that names none; the first is the main one."""
        return {}

    @property
    def metric_prototypes(self) -> Mapping[str, Metric]:
        """The metrics by name, for what they say of themselves; `new_metrics` are to be updated."""
        return self._metrics

    def new_metrics(self) -> dict[str, Metric]:
        """Returns fresh copies of the metrics."""
        return {name: metric.clone() for name, metric in self._metrics.items()}

    def build_head(self, shape: FeatureShape) -> nn.Module:
        """Returns a new head for features of these shapes."""
        return self.head(shape)

    # Labels

    def valid(self, target: Any) -> Tensor:
        """Returns a boolean tensor in the shape of the labels: which of them are there."""
        if self.valid_function is not None:
            return self.valid_function(target)
        if not isinstance(target, Tensor):
            raise DataError(
                f"labels of task {self.name!r} must be a tensor; found {type(target).__name__}. "
                "Give the task its own `valid` for other labels."
            )
        return ~target.isnan()

    def check_labels(self, target: Any) -> None:
        """Raises `DataError` if labels are outside their range. Called per batch, on the CPU."""

    def need_tensor(self, target: Any) -> None:
        """Raises `DataError` for labels that are no tensor."""
        if not isinstance(target, Tensor):
            raise DataError(
                f"labels of task {self.name!r} must be a tensor; found {type(target).__name__}. "
                "Convert them with `torch.as_tensor`."
            )

    def label_weights(self, target: Any, weights: Tensor | None) -> Tensor:
        """Returns w: the weight of each label, 0 where it is missing.

        Args:
            target: the labels.
            weights: example weights `[B]`, or weights or a mask in the shape of the labels.
        """
        mass = self.valid(target).to(torch.get_default_dtype())
        if weights is None:
            return mass
        if weights.shape != mass.shape:
            if weights.dim() != 1 or weights.shape[0] != mass.shape[0]:
                raise ShapeError(
                    f"weights of task {self.name!r} must be [B] or {list(mass.shape)} as its "
                    f"labels; found {list(weights.shape)}."
                )
            weights = weights.reshape(-1, *[1] * (mass.dim() - 1))
        return mass * weights.to(mass.dtype)

    def count(self, target: Any, weights: Tensor | None = None) -> float:
        """Returns n, the mass of the valid labels: their number, if nothing is weighted.

        Raises:
            DataError: labels break the task's rule, or a weight is negative or not finite.
        """
        self.check_labels(target)
        if weights is not None and not bool(((weights >= 0) & (weights < math.inf)).all()):
            raise DataError(
                f"weights of task {self.name!r} must be finite and not negative. "
                "Give a missing label the weight 0."
            )
        return float(self.label_weights(target, weights).sum(dtype=torch.float64))

    # Loss

    def check_shapes(self, prediction: Tensor, target: Any) -> None:
        """Raises `ShapeError` if prediction and labels do not fit."""

    def elementwise(self, prediction: Tensor, target: Any) -> Tensor:
        """Returns the loss of each label; what it gives for missing labels is not used."""
        return self.loss_function(prediction, self._filled(target))

    def _filled(self, target: Any) -> Any:
        """Returns the labels with the first one that is there in place of the missing ones."""
        if not isinstance(target, Tensor):
            return target
        there = self.valid(target)
        there = there.reshape(there.shape + (1,) * (target.dim() - there.dim())).expand_as(target)
        return target.where(there, target.take(there.flatten().byte().argmax()))

    def loss(self, prediction: Tensor, target: Any, weights: Tensor | None = None) -> Tensor:
        """Returns the weighted mean loss over the valid labels, a scalar with a graph.

        Raises:
            ShapeError: prediction and labels do not fit.
        """
        self.check_shapes(prediction, target)
        per_label = self.elementwise(prediction, target)
        mass = self.label_weights(target, weights)
        if per_label.dim() == 0:
            if weights is not None or not bool(mass.all()):
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
        return torch.where(mass > 0, per_label * mass, 0.0).sum() / mass.sum()

    # Evaluation

    def select(
        self, prediction: Tensor, target: Any, weights: Tensor | None = None
    ) -> tuple[Any, Any]:
        """Returns predictions and labels of the valid entries, as the metrics read them."""
        keep = self.label_weights(target, weights) > 0
        return prediction[keep], map_tensors(lambda labels: labels[keep], target)

    def summarise(self, target: Any, weights: Tensor | None = None) -> Tensor | None:
        """Returns a statistic of the labels that adds up over batches, or None if there is none.

        Args:
            target: the labels.
            weights: as in `label_weights`; a label of weight 0 is left out, others count as one.
        """
        return None

    def trivial(self, summary: Tensor, prediction: Tensor) -> Tensor:
        """Returns the constant prediction from the summed statistics, shaped like `prediction`."""
        raise UnsupportedError(f"task {self.name!r} has no trivial predictor.")
