"""Tasks with numbers as labels: their unit, NaN where one is missing, the error of each."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F
from torchmetrics import Metric
from torchmetrics.regression import MeanAbsoluteError, MeanSquaredError

from plait.core.errors import ConfigError, DataError, ShapeError, suggest
from plait.core.geometry import Geometry
from plait.core.kinds import Kind
from plait.tasks.constants.best_number import best_number
from plait.tasks.labels.tensors import need_tensor
from plait.tasks.labels.unit import Numbers, WithUnit

MOST_LABELS = 2**20  # that are kept to find the best constant

ErrorName = Literal["squared", "absolute", "huber"]
ERRORS: Mapping[str, Callable[..., Tensor]] = {
    "squared": F.mse_loss,
    "absolute": F.l1_loss,
    "huber": F.huber_loss,
}


class NumberLabels(WithUnit):
    """Base of the tasks whose labels and predictions are numbers in the same unit.

    Args:
        name: the task's name.
        outputs: numbers K for each example or pixel, at least 1.
        error: "squared", "absolute" or "huber".
        mean: where predictions start, finite; one number, K, or "auto" (see `WithUnit`).
        scale: the unit in which errors count, positive; one number, K, or "auto".
        metrics: as in `BaseTask`.
        weight: static weight of the task.

    Attributes:
        numbers_per_label: how many numbers are there or missing together; 1 by default.

    Raises:
        ConfigError: an option is outside its range.
    """

    kind = Kind("numbers")
    geometry: Geometry = "numbers"
    numbers_per_label: int = 1

    def __init__(
        self,
        name: str,
        *,
        outputs: int,
        error: ErrorName,
        mean: Numbers,
        scale: Numbers,
        metrics: Mapping[str, Metric] | None,
        weight: float,
    ) -> None:
        super().__init__(
            name, outputs=outputs, mean=mean, scale=scale, metrics=metrics, weight=weight
        )
        if error not in ERRORS:
            raise ConfigError(
                f"`error` of task {name!r} must be one of {', '.join(ERRORS)}; found {error!r}."
                f"{suggest(str(error), ERRORS)}"
            )
        self.error: ErrorName = error

    def default_metrics(self) -> dict[str, Metric]:
        """Makes mean absolute error and root mean square error, in the labels' unit."""
        return {"mae": MeanAbsoluteError(), "rmse": MeanSquaredError(squared=False)}

    def valid(self, target: Any) -> Tensor:
        """True, in the shape of the labels, where a label is not NaN."""
        return ~torch.as_tensor(target).isnan()

    def count(self, target: Tensor, weights: Tensor | None = None) -> float:
        """Counts the valid labels, or sums up their weights if examples have some.

        Raises:
            DataError: labels are no floats, or infinite; or a weight is negative or not finite.
        """
        need_tensor(self.name, target)
        if not target.is_floating_point():
            raise DataError(
                f"labels of task {self.name!r} must be floats (NaN where missing); "
                f"found {target.dtype}. Convert them with `.float()`."
            )
        if weights is None and all_finite(target):
            return float(target.numel() // self.numbers_per_label)
        if bool(target.isinf().any()):
            raise DataError(
                f"labels of task {self.name!r} must be finite or NaN (missing); found inf."
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
        """Computes the weighted mean error over the valid labels, in units of `scale`.

        NaN if there is no valid label.
        """
        if weights is None and count and count * self.numbers_per_label == prediction.numel():
            # no label is missing
            labels = self._fitted(target, prediction)
            if self.numbers_per_label > 1:
                return self.errors(prediction, labels).sum() / count
            return ERRORS[self.error](*self.in_scale(prediction, labels), reduction="sum") / count
        return super().loss(prediction, target, weights, count=count)

    def elementwise(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Computes the error of each label in units of `scale`."""
        labels = self._fitted(target, prediction)
        # a constant 0, in place of an error whose gradient would be NaN
        return self.errors(prediction, torch.where(labels.isnan(), prediction.detach(), labels))

    def errors(self, prediction: Tensor, labels: Tensor) -> Tensor:
        """Computes the error of each label in units of `scale`.

        Args:
            prediction: `[B, K, ...]`; `[B, K]` if `scale` is K numbers.
            labels: in the same shape, without NaN.
        """
        return ERRORS[self.error](*self.in_scale(prediction, labels), reduction="none")

    def _fitted(self, target: Tensor, prediction: Tensor) -> Tensor:
        """Returns the labels in the shape of the prediction; raises `ShapeError` if they differ."""
        if prediction.shape != target.shape:
            raise ShapeError(
                f"task {self.name!r}: the head gives {list(prediction.shape)}; the labels are "
                f"{list(target.shape)} and have to be the same shape. Check `outputs`."
            )
        return target

    def _kept(self, rows: Tensor, keep: Tensor) -> Tensor:
        """Returns labels `[n, K]`, NaN where one is missing, without rows that have none."""
        rows = rows.where(keep.expand_as(rows), math.nan)
        return rows[~rows.isnan().all(dim=1)]

    def merge(self, summaries: Sequence[Tensor]) -> Tensor:
        """Puts the labels of several batches together; of more than a million, every k-th."""
        rows = torch.cat([*summaries])
        return rows[:: -(-len(rows) // MOST_LABELS) or 1]

    def all_equal(self, summary: Tensor) -> bool:
        """Whether each output has the same number everywhere."""
        if len(summary) == 0:
            return False
        low, high = summary.nan_to_num(math.inf).amin(0), summary.nan_to_num(-math.inf).amax(0)
        return bool((low >= high).all())

    def constant(self, summary: Tensor, metric: Metric | None = None) -> Tensor:
        """Returns the number that is best for the metric, `[K]`: see `best_number`."""
        return best_number(summary, metric)

    def show(self, target: Tensor, prediction: Tensor) -> tuple[Any, Any]:
        """Gives the numbers as lists; None for a label of which any number is missing."""
        true = None if bool(target.isnan().any()) else target.reshape(-1).tolist()
        return true, prediction.reshape(-1).tolist()


def all_finite(values: Tensor) -> bool:
    """Whether there are values, and all are finite; one pass, since NaN spreads to both ends."""
    if values.numel() == 0:
        return False
    low, high = values.aminmax()
    return math.isfinite(low) and math.isfinite(high)
