"""One number, or a few, per example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torchmetrics import Metric

from plait.core.errors import ConfigError
from plait.core.features import FeatureShape
from plait.tasks._numbers import ErrorName, InUnits, NumberLabels
from plait.tasks.heads import ScalarHead
from plait.tasks.mean_distance import MeanDistance


class Regression(NumberLabels):
    """One number, or a few, per example, by the mean error over the valid labels.

        L = sum_ik w_ik l((p_ik - y_ik) / scale_k) / sum_ik w_ik

    with l(e) = e^2 ("squared"), |e| ("absolute") or Huber's (e^2/2 up to 1, |e| - 1/2 beyond,
    "huber"). Predictions are in the labels' unit: the head gives ``p = mean + scale * output``.

    Args:
        name: the task's name.
        outputs: numbers per example, K.
        vector: the K numbers are one label (a point, a box), there or missing together; the main
            metric is then the mean Euclidean distance. Otherwise each number may be missing alone.
        error: "squared", "absolute" or "huber".
        mean: where predictions start, one number or K; 0 by default.
        scale: the unit in which errors count, one number or K; 1 by default. About the labels'
            standard deviation puts the loss on the scale of a classification loss.
        hidden: widths of the head's hidden layers; none by default.
        cells: side of the pooling grid of the head (see `ScalarHead`); positions need more than 1.
        metrics: torchmetrics objects that read predictions and labels, `[n, K]` if `vector`, else
            `[n]`; by default mean absolute and root mean square error.
        weight: static weight of the task.

    Shapes: labels `[B, K]`, or `[B]` if K is 1, floats with NaN where missing; predictions
        `[B, K]`.
    """

    def __init__(
        self,
        name: str,
        *,
        outputs: int = 1,
        vector: bool = False,
        error: ErrorName = "squared",
        mean: float | Sequence[float] = 0.0,
        scale: float | Sequence[float] = 1.0,
        hidden: Sequence[int] = (),
        cells: int = 1,
        metrics: Mapping[str, Metric] | None = None,
        weight: float = 1.0,
    ) -> None:
        if outputs < 1:
            raise ConfigError(f"`outputs` of task {name!r} must be at least 1; found {outputs}.")
        for option, value in (("mean", mean), ("scale", scale)):
            if torch.as_tensor(value).numel() not in (1, outputs):
                raise ConfigError(
                    f"`{option}` of task {name!r} must be one number or {outputs}, one per output; "
                    f"found {value}."
                )
        self.outputs = outputs
        self.vector = vector
        self.hidden = tuple(hidden)
        self.cells = cells
        self._init_numbers(name, error, mean, scale)
        self._init(name, metrics, weight)

    def default_metrics(self) -> dict[str, Metric]:
        """Mean absolute and root mean square error; before them the mean distance, if `vector`."""
        basic = super().default_metrics()
        return {"distance": MeanDistance(), "mae": basic["mae"]} if self.vector else basic

    def build_head(self, shape: FeatureShape) -> nn.Module:
        """Returns a pooled head with K outputs in the labels' unit."""
        head = ScalarHead(shape, self.outputs, hidden=self.hidden, cells=self.cells)
        return InUnits(head, self._each(self.mean), self._each(self.scale))

    def _each(self, value: float | Sequence[float]) -> Tensor:
        return torch.as_tensor(value, dtype=torch.get_default_dtype()).expand(self.outputs).clone()

    def valid(self, target: Any) -> Tensor:
        """`[B]` if `vector` (all K numbers are there), else the shape of the labels."""
        there = super().valid(target)
        return there.all(dim=1) if self.vector and there.dim() > 1 else there

    def _shaped(self, prediction: Tensor, target: Tensor) -> Tensor:
        return prediction.squeeze(1) if self.outputs == 1 and target.dim() == 1 else prediction

    def check_shapes(self, prediction: Tensor, target: Tensor) -> None:
        """Raises `ShapeError` unless predictions and labels have one shape."""
        super().check_shapes(self._shaped(prediction, target), target)

    def elementwise(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The error of each label in units of `scale`; the mean over K if `vector`."""
        labels = target.reshape(prediction.shape)
        errors = self._per_number(prediction, labels, self._each(self.scale))
        return errors.mean(dim=1) if self.vector else errors.reshape(target.shape)

    def select(
        self, prediction: Tensor, target: Tensor, weights: Tensor | None = None
    ) -> tuple[Any, Any]:
        """Returns predictions and labels of the valid entries: rows if `vector`, else numbers."""
        keep = self.label_weights(target, weights) > 0
        if self.vector:
            return prediction[keep], target.reshape(prediction.shape)[keep]
        return self._shaped(prediction, target)[keep], target[keep]

    def summarise(self, target: Tensor, weights: Tensor | None = None) -> Tensor:
        """Returns `[2, K]`: the sum and the number of each label."""
        rows = target.reshape(-1, self.outputs)
        keep = (self.label_weights(target, weights) > 0).reshape(len(rows), -1).expand_as(rows)
        return torch.stack([rows.where(keep, 0).double().sum(0), keep.double().sum(0)])

    def trivial(self, summary: Tensor, prediction: Tensor) -> Tensor:
        """Returns the mean of the labels."""
        total, number = summary
        mean: Tensor = total / number.clamp(min=1)
        return mean.to(prediction).expand_as(prediction)
