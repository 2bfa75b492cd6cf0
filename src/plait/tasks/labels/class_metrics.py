"""Means over classes, in memory that grows with the classes and not with their square."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchmetrics.classification import MulticlassF1Score
from torchmetrics.classification.stat_scores import MulticlassStatScores


class _Counted(MulticlassStatScores):
    """Counts right and wrong decisions class by class; torchmetrics forms the whole table first.

    Args:
        num_classes: number of classes.
    """

    num_classes: int

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes, average="macro")

    def update(self, preds: Tensor, target: Tensor) -> None:
        """Adds predicted classes `[n]`, or scores `[n, classes]`, and labels `[n]`."""
        decided = preds.argmax(dim=1) if preds.dim() > target.dim() else preds
        predicted, labelled, right = (
            torch.bincount(classes, minlength=self.num_classes)
            for classes in (decided, target, target[decided == target])
        )
        neither = target.numel() - predicted - labelled + right
        self._update_state(right, predicted - right, neither, labelled - right)


class MeanF1(_Counted, MulticlassF1Score):
    """Mean over classes of F1 = 2 tp / (2 tp + fp + fn); for as many classes as a vocabulary has.

    A class that is neither predicted nor a label is left out.

    Args:
        num_classes: number of classes.

    Example:
        >>> metric = MeanF1(50_000)
        >>> metric.update(torch.tensor([0, 2, 2]), torch.tensor([0, 2, 1]))
        >>> round(metric.compute().item(), 4)  # of 1, 0 and 2/3
        0.5556
    """


class MeanIoU(_Counted):
    """Mean over classes of intersection over union, tp / (tp + fp + fn), over all pixels at once.

    A class that is neither predicted nor a label is left out.

    Args:
        num_classes: number of classes.
        background: a class that is left out of the mean; None for none.

    Example:
        >>> metric = MeanIoU(3)
        >>> metric.update(torch.tensor([0, 1, 1]), torch.tensor([0, 0, 1]))
        >>> metric.compute().item()
        0.5
    """

    is_differentiable = False
    higher_is_better = True
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0
    undefined = "no label and no prediction is of a class that counts"

    def __init__(self, num_classes: int, background: int | None = None) -> None:
        super().__init__(num_classes)
        self.counted = [each for each in range(num_classes) if each != background]

    def compute(self) -> Any:
        """Returns the mean; NaN before any pixel of a class that counts."""
        right, false, _, missed = (each[self.counted] for each in self._final_state())
        return (right / (right + false + missed)).nanmean()
