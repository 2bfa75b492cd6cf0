"""One number, or a few, per example."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal, Self

import torch
from torch import Tensor, nn
from torchmetrics import Metric

from plait.core.errors import ConfigError, ShapeError, unknown
from plait.core.features import FeatureShape
from plait.core.options import Count
from plait.tasks.base import BaseTask
from plait.tasks.heads import ScalarHead
from plait.tasks.labels.bounds import check_bounds, exact, nearest, stated
from plait.tasks.labels.columns import counts_of
from plait.tasks.labels.numbers import ErrorName, NumberLabels, all_finite
from plait.tasks.metric_rules import check_metrics
from plait.tasks.metrics.mean_distance import MeanDistance

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
        bounded: whether labels may be bounds, such as "more than 10": each is a pair (low, high),
            see below. The error is that from the nearest number within the bounds, so that a
            prediction beyond ">10" costs nothing. What is "auto" is read from the exact labels, the
            finite ends of bounds, and the middles of intervals; metrics, constant predictions and
            reports read the exact labels alone. Not with `vector`.
        hidden: widths of the head's hidden layers; none by default.
        cells: side of the pooling grid of the head (see `ScalarHead`); positions need more than 1.
        metrics: torchmetrics objects that read predictions and labels, `[n, K]` if `vector`, else
            `[n]`; by default mean absolute and root mean square error.
        weight: static weight of the task.

    Shapes: labels `[B, K]`, or `[B]` if K is 1, floats with NaN where missing; if `bounded`
        `[B, K, 2]`, where y is (y, y), ">10" (10, inf), "<0.5" (-inf, 0.5), and missing (NaN, NaN);
        predictions `[B, K]`.

    Raises:
        ConfigError: an option is outside its range.

    Example:
        >>> task = Regression("age")
        >>> task.loss(torch.zeros(3, 1), torch.tensor([1.0, 3.0, torch.nan])).item()
        5.0
        >>> potency = Regression("potency", bounded=True)
        >>> labels = torch.tensor([[[1.0, 1.0]], [[10.0, torch.inf]], [[-torch.inf, 0.5]]])
        >>> potency.loss(torch.tensor([[3.0], [12.0], [0.5]]), labels).item()  # of 4, 0 and 0
        1.3333333730697632
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
        bounded: bool = False,
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
        if bounded and vector:
            raise ConfigError(
                f"labels of task {name!r} cannot be `bounded` and one `vector`: a bound is of each "
                "number alone. Leave one of the two out."
            )
        self.geometry = geometry
        self.bounded = bounded
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
        """True where a label is not NaN: `[B]` if `vector` (no number of it is), else as labels.

        `[B, K]` if `bounded`, true where neither end is.
        """
        there = super().valid(target)
        if self.bounded:
            return there.all(dim=-1)
        return there.all(dim=1) if self.vector and there.dim() > 1 else there

    def count(self, target: Tensor, weights: Tensor | None = None) -> float:
        """Counts the valid labels, or sums up their weights if examples have some.

        Raises:
            DataError: labels are no floats, infinite, or no bounds if `bounded`; or a weight is
                negative or not finite.
            ShapeError: labels are `bounded` and not `[B, K, 2]`.
        """
        if not self.bounded:
            return super().count(target, weights)
        check_bounds(self.name, target, self.outputs)
        return BaseTask.count(self, target, weights)

    @property
    def label_rule(self) -> Hashable | None:
        """Labels of one number each are counted together."""
        alone = self.bounded or self.vector
        if alone or type(self) is not Regression:  # a subclass may have another
            return None
        return "numbers"

    @classmethod
    def count_columns(cls, tasks: Sequence[Self], values: Tensor) -> list[float | None]:
        """Counts the labels of tasks of one number each `[B, T, ...]`, as `count` does."""
        if not values.is_floating_point():
            return [None] * len(tasks)
        if all_finite(values):
            return [float(values[:, :1].numel())] * len(tasks)
        return counts_of(values.isfinite(), values.isnan())

    def elementwise(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Computes the error of each label in units of `scale`; the mean over K if `vector`."""
        errors = super().elementwise(prediction, target)
        return errors if self.vector or self.bounded else errors.reshape(target.shape)

    def errors(self, prediction: Tensor, labels: Tensor) -> Tensor:
        """Computes the error of each number `[B, K]`; of each label `[B]` if `vector`."""
        errors = super().errors(prediction, labels)
        return errors.mean(dim=1) if self.vector else errors

    def _fitted(self, target: Tensor, prediction: Tensor) -> Tensor:
        if self.bounded:
            if target.shape != (*prediction.shape, 2):
                raise ShapeError(
                    f"task {self.name!r}: the head gives {list(prediction.shape)}, and the labels "
                    f"are {list(target.shape)}; being bounded, they need one axis of 2 more."
                )
            return nearest(prediction, target)
        flat = self.outputs == 1 and target.dim() == 1
        return super()._fitted(target.unsqueeze(1) if flat else target, prediction)

    def select(
        self, prediction: Tensor, target: Tensor, weights: Tensor | None = None
    ) -> tuple[Any, Any]:
        """Selects predictions and labels of the valid entries: `[n, K]` if `vector`, else `[n]`.

        If `bounded`, those of the exact labels.
        """
        keep = self.label_weights(target, weights) > 0
        if self.bounded:
            target = exact(target)
            keep = keep & ~target.isnan()
        if self.vector:
            return prediction[keep], target.reshape(prediction.shape)[keep]
        return prediction.reshape(target.shape)[keep], target[keep]

    def summarise(self, target: Tensor, weights: Tensor | None = None) -> Tensor:
        """Keeps the exact labels, from which the best constant follows: `[n, K]`, else NaN."""
        rows = (exact(target) if self.bounded else target).reshape(-1, self.outputs)
        keep = (self.label_weights(target, weights) > 0).reshape(len(rows), -1)
        return self._kept(rows, keep)

    def show(self, target: Tensor, prediction: Tensor) -> tuple[Any, Any]:
        """Gives the numbers as lists; None for a label of which any is missing, or not exact."""
        return super().show(exact(target) if self.bounded else target, prediction)

    def stated(self, target: Tensor) -> Tensor:
        """Returns the labels; if `bounded`, the number, the finite end or the middle of each."""
        return stated(target) if self.bounded else target
