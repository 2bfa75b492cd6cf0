"""Tasks with yes-or-no labels: 0, 1 or NaN, their cross-entropy, and how often each holds."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchmetrics import Metric
from torchmetrics.classification import (
    BinaryFBetaScore,
    BinaryJaccardIndex,
    MultilabelFBetaScore,
    MultilabelJaccardIndex,
)

from plait.core.errors import DataError
from plait.core.features import FeatureShape
from plait.core.kinds import Kind
from plait.core.options import Count
from plait.networks.grids import Pooling
from plait.tasks.base import BaseTask, wide
from plait.tasks.heads import ScalarHead
from plait.tasks.labels.columns import add_up_exactly, counts_of
from plait.tasks.labels.tensors import need_tensor, precise

YES_IS_BEST = (BinaryFBetaScore, MultilabelFBetaScore, BinaryJaccardIndex, MultilabelJaccardIndex)
ALMOST_SURE = 10.0  # log-odds of yes


class YesNoLabels(BaseTask):
    """Base of the tasks whose labels are yes or no and whose predictions are logits of yes.

    Args:
        name: the task's name.
        labels: labels K of an example.
        no_and_yes: for each label, the weights of no and of yes; equal if None.
        hidden: widths of the head's hidden layers.
        cells: side of the pooling grid of the head (see `ScalarHead`).
        pooling: "mean" or "max" (see `ScalarHead`).
        metrics: as in `BaseTask`.
        weight: static weight of the task.
    """

    kind = Kind("labels")

    def __init__(
        self,
        name: str,
        *,
        labels: int,
        no_and_yes: Sequence[Sequence[float]] | None,
        hidden: Sequence[Count],
        cells: Count,
        pooling: Pooling,
        metrics: Mapping[str, Metric] | None,
        weight: float,
    ) -> None:
        super().__init__(name, metrics=metrics, weight=weight)
        self.labels = labels
        self.no_and_yes = no_and_yes
        self.hidden = tuple(hidden)
        self.cells = cells
        self.pooling: Pooling = pooling

    def build_head(self, shape: FeatureShape) -> nn.Module:
        """Builds a pooled head with one logit per label."""
        return ScalarHead(
            shape, self.labels, hidden=self.hidden, cells=self.cells, pooling=self.pooling
        )

    def valid(self, target: Any) -> Tensor:
        """True, in the shape of the labels, where a label is not NaN."""
        return ~torch.as_tensor(target).isnan()

    def count(self, target: Tensor, weights: Tensor | None = None) -> float:
        """Counts the valid labels, or sums up their weights if examples or classes have some.

        Raises:
            DataError: a label is none of 0, 1 and NaN; or a weight is negative or not finite.
        """
        need_tensor(self.name, target)
        if target.is_complex():
            raise DataError(
                f"labels of task {self.name!r} must be 0, 1 or NaN (missing); found {target.dtype}."
            )
        known = (target == 0) | (target == 1)
        if bool(known.all()):
            weighted = weights is not None or self.no_and_yes is not None
            return super().count(target, weights) if weighted else float(target.numel())
        wrong = self.valid(target) & ~known
        if bool(wrong.any()):
            raise DataError(
                f"labels of task {self.name!r} must be 0, 1 or NaN (missing); "
                f"found {target[wrong][0].item()}."
            )
        return super().count(target, weights)

    @classmethod
    def count_columns(cls, tasks: Sequence[Self], values: Tensor) -> list[float | None]:
        """Counts the labels of several tasks `[B, T, ...]`, as `count` does."""
        if values.is_complex():
            return [None] * len(tasks)
        no, yes = values == 0, values == 1
        if tasks[0].no_and_yes is None:
            return counts_of(no | yes, values.isnan())
        each = torch.tensor([task.no_and_yes for task in tasks], device=values.device)  # [T, K, 2]
        each = each[:, 0] if values.dim() == 2 and each.shape[1] == 1 else each
        if each.shape[:-1] != values.shape[1:] or not add_up_exactly(each, values[:, :1].numel()):
            return [None] * len(tasks)
        return counts_of(no | yes, values.isnan(), torch.where(yes, each[..., 1], each[..., 0]))

    def label_weights(self, target: Tensor, weights: Tensor | None) -> Tensor:
        """Weighs the labels: valid x example weight x weight of no or yes."""
        mass = super().label_weights(target, weights)
        if self.no_and_yes is None:
            return mass
        each = torch.tensor(self.no_and_yes).to(mass.device, non_blocking=True)
        return mass * torch.where(target == 1, each[:, 1], each[:, 0])

    def loss(
        self,
        prediction: Tensor,
        target: Tensor,
        weights: Tensor | None = None,
        *,
        count: float | None = None,
    ) -> Tensor:
        """Computes the weighted mean binary cross-entropy over the valid labels, in nats.

        NaN if there is no valid label.
        """
        weighted = weights is not None or self.no_and_yes is not None
        if not weighted and count == target.numel():  # no label is missing
            return wide(self._entropies(prediction, target)).sum() / count
        return super().loss(prediction, target, weights, count=count)

    def elementwise(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Computes the binary cross-entropy of each label in nats; that of 0 where it is NaN."""
        entropies = self._entropies(prediction, torch.nan_to_num(target.to(prediction.dtype)))
        return entropies.reshape(target.shape)

    def _entropies(self, prediction: Tensor, target: Tensor) -> Tensor:
        labels = self._fitted(target, prediction)
        return F.binary_cross_entropy_with_logits(
            prediction, labels.to(prediction.dtype), reduction="none"
        )

    @abstractmethod
    def _fitted(self, target: Tensor, prediction: Tensor) -> Tensor:
        """Returns the labels in the shape of the prediction; raises `ShapeError` if they differ."""

    def summarise(self, target: Tensor, weights: Tensor | None = None) -> Tensor:
        """Sums up the labels: `[2, K]`, how often each is 1, and how often it is known."""
        keep = self.label_weights(target, weights) > 0
        found = torch.stack([target.where(keep, 0).double().sum(0), keep.double().sum(0)])
        return found.reshape(2, -1)

    def all_equal(self, summary: Tensor) -> bool:
        """Whether each label is always yes, or always no."""
        total, number = summary
        return bool(((total == 0) | (total == number)).all())

    def constant(self, summary: Tensor, metric: Metric | None = None) -> Tensor:
        """Returns the log-odds of each label's frequency; 0 for a label that was never known.

        For F1 and the overlap, yes for every label, which no other constant beats.
        """
        total, number = summary
        if isinstance(metric, YES_IS_BEST):
            return torch.full_like(total, ALMOST_SURE)
        rate: Tensor = (total + 0.5) / (number + 1.0)
        return rate.logit()


def probabilities(logits: Tensor) -> Tensor:
    """Returns the logistic function, the same number for equal logits.

    torch's own differs in the last bit with the position in the tensor: metrics that rank examples
    would find an order among equal ones.
    """
    values: Tensor
    values, places = torch.unique(precise(logits), return_inverse=True)
    return values.sigmoid()[places]
