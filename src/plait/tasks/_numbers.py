"""What the regressions share: units, NaN for missing labels, and the mean as trivial predictor."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchmetrics import Metric
from torchmetrics.regression import MeanAbsoluteError, MeanSquaredError

from plait.core.errors import ConfigError, DataError, ShapeError, suggest
from plait.core.kinds import Kind
from plait.tasks.task import Task

ErrorName = Literal["squared", "absolute", "huber"]
ERRORS: Mapping[str, Callable[..., Tensor]] = {
    "squared": F.mse_loss,
    "absolute": F.l1_loss,
    "huber": F.huber_loss,
}


class InUnits(nn.Module):
    """A head followed by ``mean + scale * output``, so that predictions are in the labels' unit."""

    mean: Tensor
    scale: Tensor

    def __init__(self, head: nn.Module, mean: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.head = head
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)

    def forward(self, features: object) -> Tensor:
        """Returns predictions in the labels' unit."""
        output: Tensor = self.head(features)
        return self.mean + self.scale * output


class NumberLabels(Task):
    """A task whose labels are numbers, NaN where one is missing."""

    kind = Kind("numbers")

    error: ErrorName
    scale: float | Sequence[float]
    mean: float | Sequence[float]

    def _init_numbers(
        self,
        name: str,
        error: ErrorName,
        mean: float | Sequence[float],
        scale: float | Sequence[float],
    ) -> None:
        if error not in ERRORS:
            raise ConfigError(
                f"`error` of task {name!r} must be one of {', '.join(ERRORS)}; found {error!r}."
                f"{suggest(str(error), ERRORS)}"
            )
        if not bool(torch.as_tensor(mean).isfinite().all()):
            raise ConfigError(f"`mean` of task {name!r} must be finite; found {mean}.")
        if not all(0 < number < math.inf for number in torch.as_tensor(scale).flatten().tolist()):
            raise ConfigError(f"`scale` of task {name!r} must be positive; found {scale}.")
        self.error = error
        self.mean = mean
        self.scale = scale

    def default_metrics(self) -> dict[str, Metric]:
        """Mean absolute error and root mean square error, in the labels' unit."""
        return {"mae": MeanAbsoluteError(), "rmse": MeanSquaredError(squared=False)}

    def valid(self, target: Any) -> Tensor:
        """A label is there unless it is NaN."""
        return ~torch.as_tensor(target).isnan()

    def check_labels(self, target: Tensor) -> None:
        """Raises `DataError` for an infinite label."""
        self.need_tensor(target)
        if not target.is_floating_point():
            raise DataError(
                f"labels of task {self.name!r} must be floats (NaN where missing); "
                f"found {target.dtype}. Convert them with `.float()`."
            )
        if bool(target.isinf().any()):
            raise DataError(
                f"labels of task {self.name!r} must be finite or NaN (missing); found inf."
            )

    def check_shapes(self, prediction: Tensor, target: Tensor) -> None:
        """Raises `ShapeError` unless predictions and labels have one shape."""
        if prediction.shape != target.shape:
            raise ShapeError(
                f"task {self.name!r}: the head gives {list(prediction.shape)}; the labels are "
                f"{list(target.shape)} and have to be the same shape. Check `outputs`."
            )

    def _per_number(self, prediction: Tensor, target: Tensor, scale: Tensor) -> Tensor:
        """Returns the loss of each number in units of `scale`; constant 0 where it is NaN."""
        # at least float32: bfloat16 has three digits, too few for a label
        prediction = prediction.to(torch.promote_types(prediction.dtype, torch.float32))
        known = torch.where(target.isnan(), prediction.detach(), target.to(prediction.dtype))
        scale = scale.to(prediction)
        return ERRORS[self.error](prediction / scale, known / scale, reduction="none")
