"""One number, or a few, per example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torchmetrics import Metric

from plait.core.errors import ConfigError, unknown
from plait.core.features import FeatureShape
from plait.core.options import Count
from plait.tasks.heads import ScalarHead
from plait.tasks.labels.numbers import ErrorName, NumberLabels
from plait.tasks.mean_distance import MeanDistance
from plait.tasks.metrics import check_metrics

NUMBERS = {"numbers": None, "point": 2, "box": 4}  # that a label of each geometry has


class Regression(NumberLabels):
    """One number, or a few, per example, by the mean error over the valid labels.

        L = sum_ik w_ik l((p_ik - y_ik) / scale_k) / sum_ik w_ik

    with l(e) = e^2 ("squared"), |e| ("absolute") or Huber's (e^2/2 up to 1, |e| - 1/2 beyond,
    "huber"). Predictions are in the labels' unit: the head gives ``p = mean + scale * output``.

    What is "auto" is read once: by `Trainer.fit` before the first step, which goes through the
    training data for it (through the first batches of a stream), or by `fit_labels` in a loop of
    your own; until then it is 0, or 1. The numbers are saved and loaded with the model, and are not
    read again. Give numbers where examples are costly to read, such as images from files. A task
    has one unit in all its models: make a new one for other training labels.

    Args:
        name: the task's name.
        outputs: numbers per example, K.
        vector: the K numbers are one label (a point, a box), there or missing together; the main
            metric is then the mean Euclidean distance. Otherwise each number may be missing alone.
        geometry: where the label lies on the input, for augmentation and reports: "numbers",
            nowhere (the default); "point", (x, y) in pixels, with (0, 0) the centre of the first
            pixel; "box", (xmin, ymin, xmax, ymax) as fractions of width and height. The last two
            need `vector` and 2 or 4 `outputs`.
        error: "squared", "absolute" or "huber".
        mean: where predictions start: one number or K; by default "auto", the mean of the training
            labels.
        scale: the unit in which errors count: one number or K; by default "auto", the standard
            deviation of the training labels, so that the loss is about that of a classification.
        hidden: widths of the head's hidden layers; none by default.
        cells: side of the pooling grid of the head (see `ScalarHead`); positions need more than 1.
        metrics: torchmetrics objects that read predictions and labels, `[n, K]` if `vector`, else
            `[n]`; by default mean absolute and root mean square error.
        weight: static weight of the task.

    Shapes: labels `[B, K]`, or `[B]` if K is 1, floats with NaN where missing; predictions
        `[B, K]`.

    Raises:
        ConfigError: an option is outside its range.

    Example:
        >>> task = Regression("age")
        >>> task.loss(torch.zeros(3, 1), torch.tensor([1.0, 3.0, torch.nan])).item()
        5.0
    """

    def __init__(
        self,
        name: str,
        *,
        outputs: int = 1,
        vector: bool = False,
        geometry: Literal["numbers", "point", "box"] = "numbers",
        error: ErrorName = "squared",
        mean: float | Sequence[float] | Literal["auto"] = "auto",
        scale: float | Sequence[float] | Literal["auto"] = "auto",
        hidden: Sequence[Count] = (),
        cells: Count = 1,
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
        if geometry not in NUMBERS:
            raise ConfigError(unknown("geometry", geometry, NUMBERS))
        needed = NUMBERS[geometry]
        if needed is not None and (outputs != needed or not vector):
            raise ConfigError(
                f"task {name!r} is a {geometry}, which needs outputs={needed} and vector=True; "
                f"found outputs={outputs} and vector={vector}."
            )
        self.geometry = geometry
        self.vector = vector
        self.hidden = tuple(hidden)
        self.cells = cells
        self.numbers_per_label = outputs if vector else 1
        numbers = torch.arange(1.0, 8 * outputs + 1).reshape(8, outputs)
        if not vector:
            numbers = numbers.flatten()
        check_metrics(name, metrics, numbers.roll(1), numbers)

    def default_metrics(self) -> dict[str, Metric]:
        """Makes mean absolute and root mean square error; mean distance first, if `vector`."""
        basic = super().default_metrics()
        return {"distance": MeanDistance(), "mae": basic["mae"]} if self.vector else basic

    def build_head(self, shape: FeatureShape) -> nn.Module:
        """Builds a pooled head with K outputs in the labels' unit."""
        head = ScalarHead(shape, self.outputs, hidden=self.hidden, cells=self.cells)
        return self.in_unit(head)

    def valid(self, target: Any) -> Tensor:
        """True where a label is not NaN: `[B]` if `vector` (no number of it is), else as labels."""
        there = super().valid(target)
        return there.all(dim=1) if self.vector and there.dim() > 1 else there

    def elementwise(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Computes the error of each label in units of `scale`; the mean over K if `vector`."""
        errors = super().elementwise(prediction, target)
        return errors if self.vector else errors.reshape(target.shape)

    def errors(self, prediction: Tensor, labels: Tensor) -> Tensor:
        """Computes the error of each number `[B, K]`; of each label `[B]` if `vector`."""
        errors = super().errors(prediction, labels)
        return errors.mean(dim=1) if self.vector else errors

    def _fitted(self, target: Tensor, prediction: Tensor) -> Tensor:
        flat = self.outputs == 1 and target.dim() == 1
        return super()._fitted(target.unsqueeze(1) if flat else target, prediction)

    def select(
        self, prediction: Tensor, target: Tensor, weights: Tensor | None = None
    ) -> tuple[Any, Any]:
        """Selects predictions and labels of the valid entries: `[n, K]` if `vector`, else `[n]`."""
        keep = self.label_weights(target, weights) > 0
        if self.vector:
            return prediction[keep], target.reshape(prediction.shape)[keep]
        return prediction.reshape(target.shape)[keep], target[keep]

    def summarise(self, target: Tensor, weights: Tensor | None = None) -> Tensor:
        """Keeps the labels, from which the best constant follows: `[n, K]`, NaN where missing."""
        rows = target.reshape(-1, self.outputs)
        keep = (self.label_weights(target, weights) > 0).reshape(len(rows), -1)
        return self._kept(rows, keep)
