"""What the tasks with class labels share: ignored labels, ranges, class weights, majority class."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torchmetrics import Metric
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score

from plait.core.errors import ConfigError, DataError, ShapeError
from plait.core.kinds import Kind
from plait.tasks.task import Task


class ClassLabels(Task):
    """A task whose labels are class numbers `0..classes-1` and whose predictions are logits.

    Subclasses give the axis of the classes in the prediction, `class_dim`.
    """

    class_dim = 1
    kind = Kind("classes", 1)

    def _init_classes(
        self,
        name: str,
        classes: int,
        ignore_index: int,
        class_weights: Sequence[float] | None,
        metrics: Mapping[str, Metric] | None,
        weight: float,
    ) -> None:
        if classes < 2:
            raise ConfigError(f"`classes` of task {name!r} must be at least 2; found {classes}.")
        if class_weights is not None and len(class_weights) != classes:
            raise ConfigError(
                f"`class_weights` of task {name!r} must have {classes} numbers, one per class; "
                f"found {len(class_weights)}."
            )
        if class_weights is not None and not all(0 <= w < math.inf for w in class_weights):
            raise ConfigError(
                f"`class_weights` of task {name!r} must be finite and not negative; "
                f"found {list(class_weights)}."
            )
        self.classes = classes
        self.ignore_index = ignore_index
        self.class_weights = None if class_weights is None else [float(w) for w in class_weights]
        self._init(name, metrics, weight)

    def default_metrics(self) -> dict[str, Metric]:
        """Accuracy over all labels, and the mean over classes of F1."""
        return {
            "accuracy": MulticlassAccuracy(self.classes, average="micro"),
            "f1": MulticlassF1Score(self.classes, average="macro"),
        }

    def valid(self, target: Any) -> Tensor:
        """A label is there unless it is `ignore_index`."""
        # int64: -100 would be 156 to an 8-bit label
        return torch.as_tensor(target).long() != self.ignore_index

    def check_labels(self, target: Tensor) -> None:
        """Raises `DataError` for a label outside `0..classes-1`."""
        self.need_tensor(target)
        if target.is_floating_point() or target.is_complex():
            raise DataError(
                f"labels of task {self.name!r} must be whole numbers; found {target.dtype}. "
                "Convert them to int64 class numbers."
            )
        if self._complete(target):
            return
        labels = target.long()
        wrong = ((labels < 0) | (labels >= self.classes)) & self.valid(labels)
        if bool(wrong.any()):
            raise DataError(
                f"labels of task {self.name!r} must be 0..{self.classes - 1} or "
                f"{self.ignore_index} (missing); found {int(labels[wrong][0])}. "
                "Check `classes` or the label file."
            )

    def count(self, target: Tensor, weights: Tensor | None = None) -> float:
        """Returns the number of valid labels, or their mass if examples or classes are weighted."""
        if weights is not None or self.class_weights is not None:
            return super().count(target, weights)
        self.check_labels(target)
        if self._complete(target):
            return float(target.numel())
        return float(torch.count_nonzero(self.valid(target)))

    def _complete(self, target: Tensor) -> bool:
        """Returns whether all labels are there and in range; one pass, for what is the rule."""
        if target.numel() == 0 or 0 <= self.ignore_index < self.classes:
            return False
        low, high = target.aminmax()
        return bool(low >= 0) and bool(high < self.classes)

    def label_weights(self, target: Tensor, weights: Tensor | None) -> Tensor:
        """Valid x example weight x class weight."""
        mass = super().label_weights(target, weights)
        if self.class_weights is None:
            return mass
        per_class = torch.tensor(self.class_weights, dtype=mass.dtype, device=mass.device)
        return mass * per_class[target.long().clamp(0, self.classes - 1)]

    def check_shapes(self, prediction: Tensor, target: Tensor) -> None:
        """Raises `ShapeError` unless the prediction is the label's shape with a class axis."""
        expected = list(target.shape)
        expected.insert(self.class_dim if self.class_dim >= 0 else len(expected), self.classes)
        if list(prediction.shape) != expected:
            raise ShapeError(
                f"task {self.name!r}: labels {list(target.shape)} with {self.classes} classes need "
                f"predictions {expected}; the head gives {list(prediction.shape)}. "
                "Check the labels' shape and the number of classes."
            )

    def elementwise(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy in nats of each label."""
        logits = prediction if self.class_dim == 1 else prediction.movedim(self.class_dim, 1)
        return F.cross_entropy(
            logits, target.long(), ignore_index=self.ignore_index, reduction="none"
        )

    def loss(self, prediction: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
        """Returns the weighted mean cross-entropy in nats over the valid labels."""
        if weights is not None or self.class_weights is not None:
            return super().loss(prediction, target, weights)
        self.check_shapes(prediction, target)
        logits = prediction if self.class_dim == 1 else prediction.movedim(self.class_dim, 1)
        return F.cross_entropy(logits, target.long(), ignore_index=self.ignore_index)

    def select(
        self, prediction: Tensor, target: Tensor, weights: Tensor | None = None
    ) -> tuple[Any, Any]:
        """Returns logits `[n, classes]` and labels `[n]` of the valid entries."""
        keep = self.label_weights(target, weights) > 0
        return prediction.movedim(self.class_dim, -1)[keep], target[keep].long()

    def summarise(self, target: Tensor, weights: Tensor | None = None) -> Tensor:
        """Returns the number of labels of each class, `[classes]`."""
        if weights is None and self.class_weights is None and self._complete(target):
            labels = target.flatten()
        else:
            labels = target[self.label_weights(target, weights) > 0]
        numbers = labels.byte() if labels.dtype == torch.bool else labels
        return torch.bincount(numbers, minlength=self.classes).double()

    def trivial(self, summary: Tensor, prediction: Tensor) -> Tensor:
        """Returns the log frequencies of the classes everywhere; it decides for the majority."""
        logits = (summary.clamp(min=0.5) / summary.sum()).log().to(prediction)
        shape = [1] * prediction.dim()
        shape[self.class_dim] = self.classes
        return logits.reshape(shape).expand_as(prediction)
