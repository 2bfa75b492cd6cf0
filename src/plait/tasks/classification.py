"""One class per example."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Self

import torch
from torch import Tensor, nn
from torchmetrics import Metric

from plait.core.features import FeatureShape
from plait.core.geometry import Geometry
from plait.core.options import Count, Strength
from plait.networks.grids import Pooling
from plait.tasks.heads import ScalarHead
from plait.tasks.labels.classes import ClassLabels
from plait.tasks.labels.columns import add_up_exactly, counts_of
from plait.tasks.labels.prior import start_at


class Classification(ClassLabels):
    """One class per example, by the mean cross-entropy over the valid labels.

        L = - sum_i w_i log softmax(z_i)[y_i] / sum_i w_i    (nats)

    Args:
        name: the task's name.
        classes: number of classes, at least 2.
        names: names of the classes, to show them; their numbers by default.
        hidden: widths of the head's hidden layers; none by default.
        cells: side of the pooling grid of the head (see `ScalarHead`).
        pooling: "mean" or "max" (see `ScalarHead`).
        class_weights: one weight per class; equal by default.
        focal: exponent of the focal factor, with which each label's part of the loss is times
            (1 - p)^focal, p its probability; 0, for none, by default, and 2 in the paper.
        prior: how often each class occurs, counts or shares: the head starts with predicting that;
            as it is drawn by default.
        ignore_index: the label of a missing value; -100 by default, as in torch.
        metrics: torchmetrics objects that read probabilities `[n, classes]` and labels `[n]`; by
            default accuracy and macro F1.
        weight: static weight of the task.

    Shapes: labels `[B]`, integers; predictions `[B, classes]`, logits.

    Raises:
        ConfigError: an option is outside its range.

    Example:
        >>> import torch
        >>> task = Classification("digit", classes=3)
        >>> round(task.loss(torch.zeros(2, 3), torch.tensor([1, -100])).item(), 4)
        1.0986
    """

    geometry: Geometry = "class"

    def __init__(
        self,
        name: str,
        *,
        classes: int,
        names: Sequence[str] | None = None,
        hidden: Sequence[Count] = (),
        cells: Count = 1,
        pooling: Pooling = "mean",
        class_weights: Sequence[float] | None = None,
        focal: Strength = 0.0,
        prior: Sequence[float] | None = None,
        ignore_index: int = -100,
        metrics: Mapping[str, Metric] | None = None,
        weight: float = 1.0,
    ) -> None:
        super().__init__(
            name,
            classes=classes,
            names=names,
            class_weights=class_weights,
            focal=focal,
            dice=0.0,
            prior=prior,
            ignore_index=ignore_index,
            metrics=metrics,
            weight=weight,
        )
        self.hidden = tuple(hidden)
        self.cells = cells
        self.pooling: Pooling = pooling

    @property
    def label_rule(self) -> Hashable | None:
        """Tasks of as many classes are counted together, if all weigh them, or none does."""
        if type(self) is not Classification:  # a subclass may have another
            return None
        return "classes", self.classes, self.ignore_index, self.class_weights is None

    @classmethod
    def count_columns(cls, tasks: Sequence[Self], values: Tensor) -> list[float | None]:
        """Counts the labels of tasks with as many classes `[B, T]`, as `count` does."""
        if values.is_floating_point() or values.is_complex() or values.dim() != 2:
            return [None] * len(tasks)
        labels, classes = values.long(), tasks[0].classes
        missing = labels == tasks[0].ignore_index
        known = (labels >= 0) & (labels < classes) & ~missing
        if tasks[0].class_weights is None:
            return counts_of(known, missing)
        each = torch.tensor([task.class_weights for task in tasks], device=values.device)
        if not add_up_exactly(each, len(values)):
            return [None] * len(tasks)
        chosen = labels.clamp(0, classes - 1).T  # [T, B], of `each` [T, classes]
        return counts_of(known, missing, each.gather(1, chosen).T)

    def build_head(self, shape: FeatureShape) -> nn.Module:
        """Builds a pooled head with `classes` outputs."""
        head = ScalarHead(
            shape, self.classes, hidden=self.hidden, cells=self.cells, pooling=self.pooling
        )
        start_at(head.layers[-1], self.prior)
        return head
