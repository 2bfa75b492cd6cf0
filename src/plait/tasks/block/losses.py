"""The losses of like tasks as one vector: one class for each kind of labels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

from plait.tasks.base import BaseTask, wide
from plait.tasks.binary import Binary
from plait.tasks.block.stacked import Stacked, chosen
from plait.tasks.labels.classes import ClassLabels
from plait.tasks.labels.numbers import ERRORS
from plait.tasks.labels.yes_no import YesNoLabels
from plait.tasks.regression import Regression

Rows = Tensor | None  # `[n]`, positions in the block of the tasks present; None: all of them
Kind = TypeVar("Kind", bound=BaseTask)


class BlockLosses(ABC, Generic[Kind]):
    """Computes the losses of like tasks at once: what `task.loss` gives for each of them.

        L_t = sum_i w_ti l(prediction_ti, label_ti) / sum_i w_ti

    Args:
        tasks: T tasks of one class, alike but for names, static weights, and numbers of the loss:
            weights of classes, `mean` and `scale`.

    Attributes:
        weighted: whether labels count by the weights of their classes.
    """

    def __init__(self, tasks: Sequence[Kind]) -> None:
        self.first = tasks[0]
        self.weighted = False

    def __call__(
        self,
        prediction: Tensor,
        labels: Tensor,
        counts: Sequence[float],
        weights: Tensor | None = None,
        rows: Rows = None,
    ) -> Tensor:
        """Returns the losses `[n]` of the tasks present, in float32 or wider.

        Args:
            prediction: `[B, n, K]`.
            labels: as `fitted` returns them.
            counts: the mass of each task's labels, above 0, as `task.count` gives it.
            weights: of the examples `[B, n]`, or of the labels, in their shape.
            rows: which tasks are present.
        """
        alike = min(counts) == max(counts)
        counted = weights is None and not self.weighted  # else a count is a mass
        labelled = self.numbers_per_label * counts[0] * prediction.shape[1]
        complete = counted and alike and labelled == labels.numel()
        per_label = wide(self.each(prediction, labels, rows, complete=complete))
        mass = self.mass(labels, weights, rows, complete=complete)
        if mass is not None and mass.dtype == torch.bool:
            per_label = torch.where(mass, per_label, 0.0)
        elif mass is not None:
            per_label = torch.where(mass > 0, per_label * mass, 0.0)
        total = per_label.sum(dim=[axis for axis in range(per_label.dim()) if axis != 1])
        if alike:
            return total / counts[0]
        return total / torch.tensor(counts, dtype=total.dtype).to(total.device, non_blocking=True)

    @property
    @abstractmethod
    def numbers_per_label(self) -> int:
        """The numbers of `fitted` labels that are there or missing together."""

    @abstractmethod
    def fitted(self, labels: Tensor) -> Tensor | None:
        """Returns labels `[B, n, ...]` in the shape that `each` reads; None if they do not fit."""

    @abstractmethod
    def each(self, prediction: Tensor, labels: Tensor, rows: Rows, *, complete: bool) -> Tensor:
        """Computes the loss of each label; a finite number without a gradient for a missing one.

        Args:
            prediction: `[B, n, K]`.
            labels: as `fitted` returns them.
            rows: which tasks are present.
            complete: no label is missing.
        """

    def mass(
        self, labels: Tensor, weights: Tensor | None, rows: Rows, *, complete: bool
    ) -> Tensor | None:
        """Weighs the labels: valid x weight of the example x weight of the class.

        It is 0 where a label is missing; None if all count alike.
        """
        if complete:
            return None
        mass = self.there(labels)
        if weights is not None:
            if weights.dim() < mass.dim():
                weights = weights.unsqueeze(2)
            mass = mass * weights.to(torch.get_default_dtype())
        return mass * self.class_weights(labels, rows) if self.weighted else mass

    def class_weights(self, labels: Tensor, rows: Rows) -> Tensor:
        """Returns the weight of the class of each label; asked for if `weighted`."""
        raise NotImplementedError

    @abstractmethod
    def there(self, labels: Tensor) -> Tensor:
        """Says which labels are there, one entry for each."""


class NumberLosses(BlockLosses[Regression]):
    """The losses of `Regression` without bounds: errors in units of each task's scale.

    Labels `[B, n, K]`, or `[B, n]` if K is 1; NaN where one is missing.
    """

    def __init__(self, tasks: Sequence[Regression]) -> None:
        super().__init__(tasks)
        given = all(task.scale == 1 for task in tasks)
        scales = [_scale(task) for task in tasks]
        self._scales = None if given else Stacked(scales, "scale", (self.first.outputs,))

    @property
    def numbers_per_label(self) -> int:
        """All K if they are one vector, else 1."""
        return self.first.numbers_per_label

    def fitted(self, labels: Tensor) -> Tensor | None:
        """Returns labels `[B, n, K]`."""
        return _with_axis(labels, self.first.outputs, flat=self.first.outputs == 1)

    def each(self, prediction: Tensor, labels: Tensor, rows: Rows, *, complete: bool) -> Tensor:
        """Computes the errors `[B, n, K]`, or `[B, n]` if the K numbers are one label."""
        # bfloat16 has three digits, too few for a label
        prediction = prediction.to(torch.promote_types(prediction.dtype, torch.float32))
        labels = labels.to(prediction.dtype)
        if not complete:  # a constant 0, in place of an error whose gradient would be NaN
            labels = torch.where(labels.isnan(), prediction.detach(), labels)
        if self._scales is not None:
            scale = chosen(self._scales().to(prediction, non_blocking=True), rows)
            prediction, labels = prediction / scale, labels / scale
        errors = ERRORS[self.first.error](prediction, labels, reduction="none")
        return errors.mean(dim=2) if self.first.vector else errors

    def there(self, labels: Tensor) -> Tensor:
        """True where a label is not NaN; `[B, n]` if the K numbers are one label."""
        there = ~labels.isnan()
        return there.all(dim=2) if self.first.vector else there


class YesNoLosses(BlockLosses[YesNoLabels]):
    """The losses of `Binary` and `MultiLabel`: cross-entropies of yes or no.

    Labels `[B, n, K]`, of `Binary` `[B, n]` too; 0, 1, or NaN where one is missing.
    """

    numbers_per_label = 1

    def __init__(self, tasks: Sequence[YesNoLabels]) -> None:
        super().__init__(tasks)
        self._no_and_yes = _table([task.no_and_yes for task in tasks])  # [T, K, 2]
        self.weighted = self._no_and_yes is not None

    def fitted(self, labels: Tensor) -> Tensor | None:
        """Returns labels `[B, n, K]`."""
        return _with_axis(labels, self.first.labels, flat=isinstance(self.first, Binary))

    def each(self, prediction: Tensor, labels: Tensor, rows: Rows, *, complete: bool) -> Tensor:
        """Computes the cross-entropies `[B, n, K]`; that of 0 where a label is NaN."""
        labels = labels.to(prediction.dtype)
        known = labels if complete else torch.nan_to_num(labels)
        return F.binary_cross_entropy_with_logits(prediction, known, reduction="none")

    def class_weights(self, labels: Tensor, rows: Rows) -> Tensor:
        """Returns the weights of no and of yes `[B, n, K]`."""
        assert self._no_and_yes is not None
        each = chosen(self._no_and_yes.to(labels.device, non_blocking=True), rows)
        return torch.where(labels == 1, each[..., 1], each[..., 0])

    def there(self, labels: Tensor) -> Tensor:
        """True where a label is not NaN."""
        return ~labels.isnan()


class ClassLosses(BlockLosses[ClassLabels]):
    """The losses of `Classification` without a focal factor: cross-entropies of K classes.

    Labels `[B, n]`, whole numbers; `ignore_index` where one is missing.
    """

    numbers_per_label = 1

    def __init__(self, tasks: Sequence[ClassLabels]) -> None:
        super().__init__(tasks)
        self._class_weights = _table([task.class_weights for task in tasks])  # [T, K]
        self.weighted = self._class_weights is not None

    def fitted(self, labels: Tensor) -> Tensor | None:
        """Returns labels `[B, n]`, int64."""
        return labels.long() if labels.dim() == 2 else None

    def each(self, prediction: Tensor, labels: Tensor, rows: Rows, *, complete: bool) -> Tensor:
        """Computes the cross-entropies `[B, n]`; 0 where a label is missing."""
        ignored = self.first.ignore_index
        logits = prediction.movedim(2, 1)
        return F.cross_entropy(logits, labels, ignore_index=ignored, reduction="none")

    def class_weights(self, labels: Tensor, rows: Rows) -> Tensor:
        """Returns the weights of the classes `[B, n]`; of some class where a label is missing."""
        assert self._class_weights is not None
        each = chosen(self._class_weights.to(labels.device, non_blocking=True), rows)
        known = labels.clamp(0, self.first.classes - 1)
        return each[torch.arange(len(each), device=each.device), known]

    def there(self, labels: Tensor) -> Tensor:
        """True where a label is not `ignore_index`."""
        return labels != self.first.ignore_index


def losses_of(tasks: Sequence[BaseTask]) -> BlockLosses[Any]:
    """Makes the losses of like tasks: of `Regression`, of yes or no, or of classes."""
    if all(isinstance(task, Regression) for task in tasks):
        return NumberLosses([task for task in tasks if isinstance(task, Regression)])
    if all(isinstance(task, YesNoLabels) for task in tasks):
        return YesNoLosses([task for task in tasks if isinstance(task, YesNoLabels)])
    return ClassLosses([task for task in tasks if isinstance(task, ClassLabels)])


def _with_axis(labels: Tensor, numbers: int, *, flat: bool) -> Tensor | None:
    """Returns labels with an axis of K numbers; None if they have another shape."""
    if labels.dim() == 2 and flat:
        return labels.unsqueeze(2)
    return labels if labels.dim() == 3 and labels.shape[2] == numbers else None


def _scale(task: Regression) -> dict[str, Any]:
    """Returns the buffers with the unit in which the errors of a task count."""
    if isinstance(task.scale, str):
        assert task.unit is not None
        return task.unit._buffers
    return {"scale": torch.tensor(task.scale, dtype=torch.get_default_dtype())}


def _table(given: Sequence[Sequence[Any] | None]) -> Tensor | None:
    """Returns the weights of the tasks' classes as a tensor; None if no task has any."""
    if all(each is None for each in given):
        return None
    assert all(each is not None for each in given)
    return torch.tensor(given)
