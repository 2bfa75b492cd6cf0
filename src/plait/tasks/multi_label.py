"""Several yes-or-no labels per example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchmetrics import Metric
from torchmetrics.classification import (
    BinaryAccuracy,
    BinaryF1Score,
    BinaryFBetaScore,
    BinaryJaccardIndex,
    MultilabelAccuracy,
    MultilabelF1Score,
    MultilabelFBetaScore,
    MultilabelJaccardIndex,
)

from plait.core.errors import ConfigError, DataError, ShapeError
from plait.core.features import FeatureShape
from plait.core.geometry import Geometry
from plait.core.kinds import Kind
from plait.core.options import Count
from plait.networks.grids import Pooling
from plait.tasks.base import BaseTask, wide
from plait.tasks.heads import ScalarHead
from plait.tasks.labels.tensors import need_tensor, precise
from plait.tasks.metrics import check_metrics

YES_IS_BEST = (BinaryFBetaScore, MultilabelFBetaScore, BinaryJaccardIndex, MultilabelJaccardIndex)
ALMOST_SURE = 10.0  # log-odds of yes
MISSING = -1  # torchmetrics' label metrics read integers, which have no NaN


class MultiLabel(BaseTask):
    """Several yes-or-no labels per example, by the mean binary cross-entropy over the valid ones.

        L = - sum_ik w_ik [y_ik log s(z_ik) + (1 - y_ik) log(1 - s(z_ik))] / sum_ik w_ik    (nats)

    with s the logistic function.

    Args:
        name: the task's name.
        labels: number of labels K.
        names: names of the labels, to show them; their numbers by default.
        hidden: widths of the head's hidden layers; none by default.
        cells: side of the pooling grid of the head (see `ScalarHead`).
        pooling: "mean" or "max" (see `ScalarHead`).
        metrics: torchmetrics objects that read probabilities `[n, K]` and labels `[n, K]` with -1
            where one is missing (``ignore_index=-1``); by default accuracy and macro F1.
        weight: static weight of the task.

    Shapes: labels `[B, K]`, floats 0, 1 or NaN (missing); predictions `[B, K]`, logits.

    Raises:
        ConfigError: an option is outside its range.
    """

    kind = Kind("labels")
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
        metrics: Mapping[str, Metric] | None = None,
        weight: float = 1.0,
    ) -> None:
        super().__init__(name, metrics=metrics, weight=weight)
        if labels < 1:
            raise ConfigError(f"`labels` of task {name!r} must be at least 1; found {labels}.")
        if names is not None and len(names) != labels:
            raise ConfigError(
                f"`names` of task {name!r} must be {labels}, one per label; found {len(names)}."
            )
        self.labels = labels
        self.names = None if names is None else list(names)
        self.hidden = tuple(hidden)
        self.cells = cells
        self.pooling: Pooling = pooling
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

    def build_head(self, shape: FeatureShape) -> nn.Module:
        """Builds a pooled head with one logit per label."""
        return ScalarHead(
            shape, self.labels, hidden=self.hidden, cells=self.cells, pooling=self.pooling
        )

    def valid(self, target: Any) -> Tensor:
        """True, `[B, K]`, where a label is not NaN."""
        return ~torch.as_tensor(target).isnan()

    def count(self, target: Tensor, weights: Tensor | None = None) -> float:
        """Counts the valid labels, or sums up their weights if examples have some.

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
            return float(target.numel()) if weights is None else super().count(target, weights)
        wrong = self.valid(target) & ~known
        if bool(wrong.any()):
            raise DataError(
                f"labels of task {self.name!r} must be 0, 1 or NaN (missing); "
                f"found {target[wrong][0].item()}."
            )
        return super().count(target, weights)

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
        if weights is None and count == target.numel():  # no label is missing
            return wide(self._entropies(prediction, target)).sum() / count
        return super().loss(prediction, target, weights, count=count)

    def elementwise(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Computes the binary cross-entropy of each label in nats; that of 0 where it is NaN."""
        return self._entropies(prediction, torch.nan_to_num(target.to(prediction.dtype)))

    def _entropies(self, prediction: Tensor, labels: Tensor) -> Tensor:
        if prediction.shape != labels.shape:
            raise ShapeError(
                f"task {self.name!r}: the head gives {list(prediction.shape)}; the labels are "
                f"{list(labels.shape)} and have to be the same shape. Check `labels`."
            )
        return F.binary_cross_entropy_with_logits(
            prediction, labels.to(prediction.dtype), reduction="none"
        )

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
        return _probabilities(prediction[rows]), labels[rows]

    def summarise(self, target: Tensor, weights: Tensor | None = None) -> Tensor:
        """Sums up the labels: `[2, K]`, how often each is 1, and how often it is known."""
        keep = self.label_weights(target, weights) > 0
        return torch.stack([target.where(keep, 0).double().sum(0), keep.double().sum(0)])

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

    def show(self, target: Tensor, prediction: Tensor) -> tuple[Any, Any]:
        """Names the labels that hold: true ones, and those of a probability over one half.

        None in place of the true ones if no label of the example is known.
        """
        names = self.names or [str(number) for number in range(self.labels)]

        def named(holds: Tensor) -> list[str]:
            return [name for name, each in zip(names, holds.tolist(), strict=True) if each]

        known = bool(self.valid(target).any())
        return named(target == 1) if known else None, named(prediction > 0)


def _probabilities(logits: Tensor) -> Tensor:
    """Returns the logistic function, the same number for equal logits.

    torch's own differs in the last bit with the position in the tensor: metrics that rank examples
    would find an order among equal ones.
    """
    values: Tensor
    values, places = torch.unique(precise(logits), return_inverse=True)
    return values.sigmoid()[places]
