"""One class per example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn
from torchmetrics import Metric

from plait.core.features import FeatureShape
from plait.core.geometry import Geometry
from plait.core.options import Count, Strength
from plait.networks.grids import Pooling
from plait.tasks.heads import ScalarHead
from plait.tasks.labels.classes import ClassLabels
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

    def build_head(self, shape: FeatureShape) -> nn.Module:
        """Builds a pooled head with `classes` outputs."""
        head = ScalarHead(
            shape, self.classes, hidden=self.hidden, cells=self.cells, pooling=self.pooling
        )
        start_at(head.layers[-1], self.prior)
        return head
