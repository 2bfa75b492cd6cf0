"""Tasks with class labels: ranges, ignored labels, class weights, the majority class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torchmetrics import Metric
from torchmetrics.classification import MulticlassAccuracy

from plait.core.errors import ConfigError, DataError, ShapeError
from plait.core.kinds import Kind
from plait.tasks.base import BaseTask
from plait.tasks.labels.class_metrics import MeanF1
from plait.tasks.labels.class_weights import class_weights_of
from plait.tasks.labels.focal import focal
from plait.tasks.labels.overlap import mean_dice
from plait.tasks.labels.prior import prior_of
from plait.tasks.labels.tensors import need_tensor, precise
from plait.tasks.metric_rules import check_metrics, divided


class ClassLabels(BaseTask):
    """Base of the tasks whose labels are class numbers `0..classes-1` and predictions are logits.

    Args:
        name: the task's name.
        classes: number of classes, at least 2.
        names: names of the classes, to show them; their numbers if None.
        class_weights: one weight per class, finite and not negative; equal if None.
        focal: exponent of the focal factor of each label's cross-entropy, see `focal`; 0 for none.
        dice: weight of the soft Dice beside the cross-entropy, see `soft_dice`; 0 for none.
        prior: how often each class occurs, at which the head starts, see `start_at`.
        ignore_index: the label of a missing value; may be any integer.
        metrics: as in `BaseTask`.
        weight: static weight of the task.

    Attributes:
        class_dim: the axis of the classes in a batched prediction, 1 or -1; subclasses set it.

    Raises:
        ConfigError: fewer than two classes, or names or class weights that are not one for each.
    """

    class_dim: int = 1
    kind = Kind("classes", 1)

    def __init__(
        self,
        name: str,
        *,
        classes: int,
        names: Sequence[str] | None,
        class_weights: Sequence[float] | None,
        focal: float,
        dice: float,
        prior: Sequence[float] | None,
        ignore_index: int,
        metrics: Mapping[str, Metric] | None,
        weight: float,
    ) -> None:
        super().__init__(name, metrics=metrics, weight=weight)
        if classes < 2:
            raise ConfigError(f"`classes` of task {name!r} must be at least 2; found {classes}.")
        if names is not None and len(names) != classes:
            raise ConfigError(
                f"`names` of task {name!r} must be {classes}, one per class; found {len(names)}."
            )
        self.classes = classes
        self.names = None if names is None else list(names)
        self.class_weights = class_weights_of(name, class_weights, classes)
        self.focal, self.dice = focal, dice
        self.prior = prior_of(name, prior, classes)
        self.ignore_index = ignore_index
        self.missing = ignore_index
        _try_metrics(self, metrics or {})

    def default_metrics(self) -> dict[str, Metric]:
        """Makes accuracy over all labels, and the mean over classes of F1."""
        return {
            "accuracy": MulticlassAccuracy(self.classes, average="micro"),
            "f1": MeanF1(self.classes),
        }

    def valid(self, target: Any) -> Tensor:
        """True, in the shape of the labels, where a label is not `ignore_index`."""
        # int64: -100 would be 156 to an 8-bit label
        return torch.as_tensor(target).long() != self.ignore_index

    def count(self, target: Tensor, weights: Tensor | None = None) -> float:
        """Counts the valid labels, or sums up their weights if examples or classes have some.

        Raises:
            DataError: labels are no integers, or outside `0..classes-1`; or a weight is negative or
                not finite.
        """
        need_tensor(self.name, target)
        if target.is_floating_point() or target.is_complex():
            raise DataError(
                f"labels of task {self.name!r} must be whole numbers; found {target.dtype}. "
                "Convert them to int64 class numbers."
            )
        weighted = weights is not None or self.class_weights is not None
        if self._complete(target):
            return super().count(target, weights) if weighted else float(target.numel())
        labels = target.long()
        wrong = ((labels < 0) | (labels >= self.classes)) & self.valid(labels)
        if bool(wrong.any()):
            raise DataError(
                f"labels of task {self.name!r} must be 0..{self.classes - 1} or "
                f"{self.ignore_index} (missing); found {int(labels[wrong][0])}. "
                "Check `classes` or the label file."
            )
        return super().count(target, weights)

    def _complete(self, target: Tensor) -> bool:
        """Whether all labels are there and in range; one pass, for the usual case."""
        if target.numel() == 0 or 0 <= self.ignore_index < self.classes:
            return False
        low, high = target.aminmax()
        return bool(low >= 0) and bool(high < self.classes)

    def label_weights(self, target: Tensor, weights: Tensor | None) -> Tensor:
        """Weighs the labels: valid x example weight x class weight."""
        mass = super().label_weights(target, weights)
        if self.class_weights is None:
            return mass
        per_class = torch.tensor(self.class_weights).to(mass.device, non_blocking=True)
        return mass * per_class[target.long().clamp(0, self.classes - 1)]

    def elementwise(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Computes the cross-entropy of each label in nats; 0 where it is missing.

        With `focal` it is scaled; `dice`, which is of all labels of an example, is left out.
        """
        self._check_shapes(prediction, target)
        logits = prediction if self.class_dim == 1 else prediction.movedim(self.class_dim, 1)
        entropies = F.cross_entropy(
            logits, target.long(), ignore_index=self.ignore_index, reduction="none"
        )
        return focal(entropies, self.focal) if self.focal else entropies

    def loss(
        self,
        prediction: Tensor,
        target: Tensor,
        weights: Tensor | None = None,
        *,
        count: float | None = None,
    ) -> Tensor:
        """Computes the weighted mean cross-entropy over the valid labels, in nats.

        With `dice`, plus that many times the mean of the examples' soft Dice, each weighed by the
        mass of its labels. NaN if there is no valid label.
        """
        if self.dice:
            entropy = super().loss(prediction, target, weights)
            there, mass = (
                super().label_weights(target, weights),
                self.label_weights(target, weights),
            )
            overlap = mean_dice(prediction.movedim(self.class_dim, 1), target, there, mass)
            return entropy + self.dice * overlap
        if weights is not None or self.class_weights is not None or self.focal:
            return super().loss(prediction, target, weights)
        self._check_shapes(prediction, target)
        logits = prediction if self.class_dim == 1 else prediction.movedim(self.class_dim, 1)
        return F.cross_entropy(logits, target.long(), ignore_index=self.ignore_index)

    def _check_shapes(self, prediction: Tensor, target: Tensor) -> None:
        """Raises `ShapeError` unless the prediction has the labels' shape and a class axis."""
        expected = list(target.shape)
        expected.insert(self.class_dim if self.class_dim >= 0 else len(expected), self.classes)
        if list(prediction.shape) == expected:
            return
        way = _conversion(target, prediction, self.class_dim)
        if way and prediction.shape[self.class_dim] == self.classes:
            raise ShapeError(
                f"labels of task {self.name!r} are {list(target.shape)}, and have to be one class "
                f"for each prediction of {list(prediction.shape)}. Write {way}."
            )
        raise ShapeError(
            f"task {self.name!r}: labels {list(target.shape)} with {self.classes} classes need "
            f"predictions {expected}; the head gives {list(prediction.shape)}. "
            "Check the labels' shape and the number of classes."
        )

    def select(
        self, prediction: Tensor, target: Tensor, weights: Tensor | None = None
    ) -> tuple[Any, Any]:
        """Selects what `read` makes of the logits, and labels `[n]`, of the valid entries."""
        keep = self.label_weights(target, weights) > 0
        return self.read(prediction.movedim(self.class_dim, -1)[keep]), target[keep].long()

    def read(self, logits: Tensor) -> Tensor:
        """Turns logits `[n, classes]` into what the metrics read: probabilities, in float64.

        torchmetrics would take logits for probabilities wherever a whole batch is in [0, 1].
        """
        return precise(logits).softmax(dim=-1)

    def summarise(self, target: Tensor, weights: Tensor | None = None) -> Tensor:
        """Counts the labels of each class: `[classes]`, float64."""
        if weights is None and self.class_weights is None and self._complete(target):
            labels = target.flatten()
        else:
            labels = target[self.label_weights(target, weights) > 0]
        numbers = labels.byte() if labels.dtype == torch.bool else labels
        return torch.bincount(numbers, minlength=self.classes).double()

    def all_equal(self, summary: Tensor) -> bool:
        """Whether there is one class only."""
        return int((summary > 0).sum()) == 1

    def constant(self, summary: Tensor, metric: Metric | None = None) -> Tensor:
        """Returns the log frequencies of the classes: whatever the metric, the majority class."""
        return (summary.clamp(min=0.5) / summary.sum()).log()

    def spread(self, constant: Tensor, prediction: Tensor) -> Tensor:
        """Gives logits `[classes]` the shape of a prediction."""
        shape = [1] * prediction.dim()
        shape[self.class_dim] = self.classes
        return constant.to(prediction).reshape(shape).expand_as(prediction)

    def show(self, target: Tensor, prediction: Tensor) -> tuple[Any, Any]:
        """Names the true and the predicted class, of each token if there are several."""
        predicted = prediction.argmax(dim=0 if self.class_dim == 1 else -1)
        return _named(target, self.names, self.ignore_index), _named(predicted, self.names, None)


def _try_metrics(task: ClassLabels, metrics: Mapping[str, Metric]) -> None:
    """Raises `ConfigError` for a metric that cannot read labels of this kind."""
    whole, single = divided(metrics)
    labels = torch.arange(8) % task.classes
    logits = torch.linspace(-2, 2, 8 * task.classes).reshape(8, task.classes).sin()
    check_metrics(task.name, single, task.read(logits), labels)
    if whole:
        check_metrics(task.name, whole, *task.sequences(logits[None], labels[None]))


def _conversion(labels: Tensor, prediction: Tensor, axis: int) -> str:
    """Finds the call that makes class numbers of labels with an axis too many; "" if none does.

    Args:
        labels: of another shape than the classes of the predictions.
        prediction: with the classes on `axis`.
        axis: 1 or -1.
    """
    if labels.shape == prediction.shape:
        return f"`labels.argmax({axis})` if they are one-hot"
    wanted = list(prediction.shape)
    wanted.pop(axis)
    for alone in (axis, -1):
        if labels.dim() == len(wanted) + 1 and list(labels.squeeze(alone).shape) == wanted:
            return f"`labels.squeeze({alone})`"
    return ""


def _named(classes: Tensor, names: Sequence[str] | None, missing: int | None) -> Any:
    """Returns the name of a class, or a list of them; None for a label that is missing."""
    if classes.dim() > 0:
        return [_named(each, names, missing) for each in classes]
    index = int(classes)
    if index == missing:
        return None
    return str(index) if names is None else names[index]
