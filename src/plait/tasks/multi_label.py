"""Several yes-or-no labels per example."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.classification import (
    BinaryAccuracy,
    BinaryF1Score,
    MultilabelAccuracy,
    MultilabelF1Score,
)

from plait.core.errors import ConfigError, ShapeError
from plait.core.geometry import Geometry
from plait.core.options import Count
from plait.networks.grids import Pooling
from plait.tasks.labels.class_weights import class_weights_of
from plait.tasks.labels.yes_no import YesNoLabels, probabilities
from plait.tasks.metric_rules import check_metrics

MISSING = -1  # torchmetrics' label metrics read integers, which have no NaN


class MultiLabel(YesNoLabels):
    """Several yes-or-no labels per example, by the mean binary cross-entropy over the valid ones.

        L = - sum_ik w_ik [y_ik log s(z_ik) + (1 - y_ik) log(1 - s(z_ik))] / sum_ik w_ik    (nats)

    with s the logistic function. `Binary` is the task of one such label.

    Args:
        name: the task's name.
        labels: number of labels K.
        names: names of the labels, to show them; their numbers by default.
        hidden: widths of the head's hidden layers; none by default.
        cells: side of the pooling grid of the head (see `ScalarHead`).
        pooling: "mean" or "max" (see `ScalarHead`).
        class_weights: for each label a pair, the weights of its no and of its yes, `[K, 2]`; equal
            by default. `plait.tasks.labels.balanced` finds them from counts.
        metrics: torchmetrics objects that read probabilities `[n, K]` and labels `[n, K]` with -1
            where one is missing (``ignore_index=-1``); by default accuracy and macro F1.
        weight: static weight of the task.

    Shapes: labels `[B, K]`, floats 0, 1 or NaN (missing); predictions `[B, K]`, logits.

    Raises:
        ConfigError: an option is outside its range.
    """

    geometry: Geometry = "labels"

    def __init__(
        self,
        name: str,
        *,
        labels: int,
        names: Sequence[str] | None = None,
        hidden: Sequence[Count] = (),
        cells: Count = 1,
        pooling: Pooling = "mean",
        class_weights: Sequence[Sequence[float]] | None = None,
        metrics: Mapping[str, Metric] | None = None,
        weight: float = 1.0,
    ) -> None:
        if labels < 1:
            raise ConfigError(f"`labels` of task {name!r} must be at least 1; found {labels}.")
        self.class_weights = _pairs(name, class_weights, labels)
        super().__init__(
            name,
            labels=labels,
            no_and_yes=self.class_weights,
            hidden=hidden,
            cells=cells,
            pooling=pooling,
            metrics=metrics,
            weight=weight,
        )
        if names is not None and len(names) != labels:
            raise ConfigError(
                f"`names` of task {name!r} must be {labels}, one per label; found {len(names)}."
            )
        self.names = None if names is None else list(names)
        known = (torch.arange(8)[:, None] + torch.arange(labels)) % 2
        scores = torch.linspace(0, 1, 8 * labels).reshape(8, labels)
        check_metrics(name, metrics, scores, known)

    def default_metrics(self) -> dict[str, Metric]:
        """Makes the share of labels that are right, and the mean over labels of F1."""
        if self.labels == 1:  # torchmetrics' multi-label metrics take two or more
            return {
                "accuracy": BinaryAccuracy(ignore_index=MISSING),
                "f1": BinaryF1Score(ignore_index=MISSING),
            }
        return {
            "accuracy": MultilabelAccuracy(self.labels, average="micro", ignore_index=MISSING),
            "f1": MultilabelF1Score(self.labels, average="macro", ignore_index=MISSING),
        }

    @property
    def label_rule(self) -> Hashable | None:
        """Tasks are counted together if all of them weigh their classes, or none does."""
        if type(self) is not MultiLabel:  # a subclass may have another
            return None
        return "yes or no", self.class_weights is None, self.labels

    def _fitted(self, target: Tensor, prediction: Tensor) -> Tensor:
        if prediction.shape != target.shape:
            raise ShapeError(
                f"task {self.name!r}: the head gives {list(prediction.shape)}; the labels are "
                f"{list(target.shape)} and have to be the same shape. Check `labels`."
            )
        return target

    def select(
        self, prediction: Tensor, target: Tensor, weights: Tensor | None = None
    ) -> tuple[Any, Any]:
        """Selects probabilities `[n, K]` and integer labels `[n, K]` of examples with any label.

        A missing label is -1. torchmetrics would take logits for probabilities wherever a whole
        batch of them is in [0, 1].
        """
        keep = self.label_weights(target, weights) > 0
        labels = torch.where(keep, torch.nan_to_num(target), MISSING).long()
        rows = keep.any(dim=1)
        return probabilities(prediction[rows]), labels[rows]

    def show(self, target: Tensor, prediction: Tensor) -> tuple[Any, Any]:
        """Names the labels that hold: true ones, and those of a probability over one half.

        None in place of the true ones if no label of the example is known.
        """
        names = self.names or [str(number) for number in range(self.labels)]

        def named(holds: Tensor) -> list[str]:
            return [name for name, each in zip(names, holds.tolist(), strict=True) if each]

        known = bool(self.valid(target).any())
        return named(target == 1) if known else None, named(prediction > 0)


def _pairs(
    task: str, given: Sequence[Sequence[float]] | None, labels: int
) -> list[list[float]] | None:
    """Returns the weights of no and yes of each label as numbers; raises `ConfigError`."""
    if given is None:
        return None
    if len(given) != labels:
        raise ConfigError(
            f"`class_weights` of task {task!r} must have a pair for each of {labels} labels; "
            f"found {len(given)}."
        )
    pairs = [class_weights_of(task, pair, 2, "of no and of yes") for pair in given]
    return [pair for pair in pairs if pair is not None]
