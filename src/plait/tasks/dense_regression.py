"""A number, or a few, per pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torchmetrics import Metric

from plait.core.errors import ShapeError
from plait.core.features import FeatureShape
from plait.core.geometry import Geometry
from plait.core.options import Count
from plait.tasks.heads import DenseHead
from plait.tasks.labels.numbers import ErrorName, NumberLabels
from plait.tasks.labels.tensors import need_tensor
from plait.tasks.metric_rules import check_metrics

PIXELS = 256  # of an image that are kept to find the best constant


class DenseRegression(NumberLabels):
    """Numbers per pixel, such as depth, by the mean error over the valid pixels.

        L = sum_ikxy w_ikxy l((p_ikxy - y_ikxy) / scale) / sum_ikxy w_ikxy

    with l as in `Regression`, which says what "auto" reads and when.

    Args:
        name: the task's name.
        outputs: numbers per pixel, K.
        error: "squared", "absolute" or "huber"; "absolute" by default, usual for depth.
        mean: where predictions start: one number or K; by default "auto", the mean of the training
            labels.
        scale: the unit in which errors count: one number or K; by default "auto", the standard
            deviation of the training labels.
        width: channels of the dense head's decoder (see `DenseHead`).
        metrics: torchmetrics objects that read predictions and labels `[n]` of the valid pixels; by
            default mean absolute and root mean square error.
        weight: static weight of the task.

    Shapes: labels `[B, K, H, W]`, floats with NaN where missing; predictions the same.

    Raises:
        ConfigError: an option is outside its range.
    """

    geometry: Geometry = "map"
    axes = 2

    def __init__(
        self,
        name: str,
        *,
        outputs: int = 1,
        error: ErrorName = "absolute",
        mean: float | Sequence[float] | Literal["auto"] = "auto",
        scale: float | Sequence[float] | Literal["auto"] = "auto",
        width: Count = 32,
        metrics: Mapping[str, Metric] | None = None,
        weight: float = 1.0,
    ) -> None:
        super().__init__(
            name,
            outputs=outputs,
            error=error,
            mean=mean,
            scale=scale,
            metrics=metrics,
            weight=weight,
        )
        self.width = width
        numbers = torch.arange(1.0, 9.0)
        check_metrics(name, metrics, numbers.roll(1), numbers)

    def build_head(self, shape: FeatureShape) -> nn.Module:
        """Builds a dense head with K channels in the labels' unit."""
        head = DenseHead(shape, self.outputs, width=self.width)
        return self.in_unit(head)

    def count(self, target: Tensor, weights: Tensor | None = None) -> float:
        """Counts the valid labels, or sums up their weights if examples or pixels have some.

        Raises:
            DataError: labels are no floats, or infinite; or a weight is negative or not finite.
            ShapeError: labels are not `[B, K, H, W]`.
        """
        need_tensor(self.name, target)
        if target.dim() != 4 or target.shape[1] != self.outputs:
            raise ShapeError(
                f"labels of task {self.name!r} must be [B, {self.outputs}, H, W]; found "
                f"{list(target.shape)}. Check `outputs` and the labels' axes."
            )
        return super().count(target, weights)

    def summarise(self, target: Tensor, weights: Tensor | None = None) -> Tensor:
        """Keeps up to 256 pixels of each image, evenly spread: `[n, K]`, NaN where missing."""
        keep = self.label_weights(target, weights) > 0
        pixels = target[0, 0].numel()
        some = torch.arange(pixels)
        if pixels > PIXELS:  # by the golden ratio, which no width of an image is in step with
            some = ((torch.arange(PIXELS).double() * 0.6180339887498949) % 1 * pixels).long()
        rows, there = (each.flatten(2)[:, :, some].movedim(1, 2) for each in (target, keep))
        return self._kept(rows.reshape(-1, self.outputs), there.reshape(-1, self.outputs))

    def spread(self, constant: Tensor, prediction: Tensor) -> Tensor:
        """Gives a number for each channel the shape of a prediction."""
        return constant.to(prediction).reshape(1, -1, 1, 1).expand_as(prediction)

    def show(self, target: Tensor, prediction: Tensor) -> tuple[Any, Any]:
        """Gives numbers `[K, H, W]`, NaN where a label is missing."""
        return target.numpy(), prediction.numpy()
