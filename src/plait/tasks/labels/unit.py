"""The unit of a task's numbers: given, or read from the training labels."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torchmetrics import Metric

from plait.core.errors import ConfigError, DataError, PlaitWarning, ShapeError
from plait.tasks.base import BaseTask
from plait.tasks.heads import FittedUnit, InFittedUnit, InUnits
from plait.tasks.labels.moments import Moments

Numbers = float | Sequence[float] | Literal["auto"]


class WithUnit(BaseTask):
    """Base of the tasks that predict ``mean + scale * output``, with errors in units of `scale`.

    What is "auto" is the mean, or the standard deviation, of the training labels: `Trainer.fit`
    reads them before the first step, and `fit_labels` in a loop of one's own. Before that it is 0,
    or 1. A number of the labels that is the same everywhere has scale 1.

    Args:
        name: the task's name.
        outputs: numbers K for each example or pixel, at least 1.
        mean: where predictions start, finite; one number, K, or "auto".
        scale: the unit in which errors count, positive; one number, K, or "auto".
        metrics: as in `BaseTask`.
        weight: static weight of the task.

    Attributes:
        unit: the numbers, if one of them is "auto"; shared by all heads of the task, so that they
            are saved and loaded with a model. None if both were given.
        axes: how many axes of a prediction come after that of the K numbers; 0 by default.

    Raises:
        ConfigError: an option is outside its range.
    """

    axes: int = 0

    def __init__(
        self,
        name: str,
        *,
        outputs: int,
        mean: Numbers,
        scale: Numbers,
        metrics: Mapping[str, Metric] | None,
        weight: float,
    ) -> None:
        super().__init__(name, metrics=metrics, weight=weight)
        if outputs < 1:
            raise ConfigError(f"`outputs` of task {name!r} must be at least 1; found {outputs}.")
        for option, value in (("mean", mean), ("scale", scale)):
            if isinstance(value, str):
                if value != "auto":
                    raise ConfigError(
                        f"`{option}` of task {name!r} must be a number or 'auto'; found {value!r}."
                    )
            elif torch.as_tensor(value).numel() not in (1, outputs):
                raise ConfigError(
                    f"`{option}` of task {name!r} must be one number or {outputs}, one per output; "
                    f"found {value}."
                )
        if not bool(_given(mean, 0.0).isfinite().all()):
            raise ConfigError(f"`mean` of task {name!r} must be finite; found {mean}.")
        if not all(0 < number < math.inf for number in _given(scale, 1.0).flatten().tolist()):
            raise ConfigError(f"`scale` of task {name!r} must be positive; found {scale}.")
        self.outputs = outputs
        self.mean = _plain(mean)
        self.scale = _plain(scale)
        self.unit: FittedUnit | None = None
        if isinstance(mean, str) or isinstance(scale, str):
            self.unit = FittedUnit(*(self._spread(_given(*each)) for each in self._options()))

    def fit_labels(self, labels: Any) -> None:
        """Reads `mean` and `scale` from the training labels, those of the two that are "auto".

        Call it before training in a loop of your own; the Trainer does so itself. It holds for all
        models that were, or will be, made of this task. Take the training labels alone: numbers
        that know the validation labels make its scores too good.

        Args:
            labels: all labels as one tensor or array, in the shape of a batch's labels, or an
                iterable of batches of labels; NaN is missing.

        Raises:
            ConfigError: both numbers were given.
            DataError: no label is there, or labels break the task's rule.
            ShapeError: labels are not in the shape of a batch's labels.
        """
        if self.unit is None:
            raise ConfigError(
                f"task {self.name!r} was given its `mean` and `scale`; leave them out, or set them "
                'to "auto", to read them from labels.'
            )
        moments = Moments(self.outputs)
        for batch in [labels] if isinstance(labels, Tensor | np.ndarray) else _batches(labels):
            found = self._tensor(batch)
            self.count(found)
            self.add_labels(moments, found)
        said = self.take(moments)
        if said:
            warnings.warn(said, PlaitWarning, stacklevel=2)

    def _tensor(self, batch: Any) -> Tensor:
        """Returns a batch of labels as a tensor; raises `DataError` for what is no batch."""
        try:
            if not isinstance(batch, tuple):  # of a loader: inputs and labels
                return torch.as_tensor(batch)
        except (TypeError, ValueError, RuntimeError):
            pass
        raise DataError(
            f"`fit_labels` of task {self.name!r} must be given labels alone; found "
            f"{type(batch).__name__}. From a loader: "
            "`task.fit_labels(labels[task.name] for _, labels in loader)`."
        )

    def add_labels(self, moments: Moments, target: Tensor, weights: Tensor | None = None) -> None:
        """Adds the labels of a batch to what `take` will read, by their weights.

        Raises:
            ShapeError: the labels have not K numbers each.
        """
        mass = self.label_weights(target, weights).cpu()
        labels = self.stated(target).detach().cpu()
        if mass.dim() < labels.dim():
            mass = mass.unsqueeze(1)  # the numbers are one label
        mass = mass.expand_as(labels)
        if labels.dim() > 1:
            mass, labels = mass.movedim(1, -1), labels.movedim(1, -1)
        if (labels.shape[-1] if labels.dim() > 1 else 1) != self.outputs:
            raise ShapeError(
                f"labels of task {self.name!r} must have {self.outputs} numbers each, on axis 1; "
                f"found {list(target.shape)}. Check `outputs`."
            )
        moments.add(labels.reshape(-1, self.outputs), mass.reshape(-1, self.outputs))

    def stated(self, target: Tensor) -> Tensor:
        """Returns the numbers that labels state, NaN where one is missing; the unit is theirs."""
        return target

    def take(self, moments: Moments) -> str:
        """Takes `mean` and `scale` over from labels, those of the two that are "auto".

        Returns:
            a sentence for the reader if a scale had to be set to 1; else an empty one.

        Raises:
            DataError: there was no label, or numbers are beyond the range of the model's.
        """
        unit = self.unit
        assert unit is not None, "both numbers were given"
        if not bool((moments.mass > 0).any()):
            raise DataError(
                f"`mean` and `scale` of task {self.name!r} cannot be read from its labels: none is "
                'there. Check the labels\' names, or give the task numbers in place of "auto".'
            )
        mean, scale = moments.mean, moments.deviation.to(unit.scale.dtype)
        if not bool((mean.to(unit.mean.dtype).isfinite() & scale.isfinite()).all()):
            raise DataError(
                f"the labels of task {self.name!r} are too large for {unit.mean.dtype}. "
                "Give them in another unit."
            )
        flat = scale <= 0
        read = {"mean": mean, "scale": scale.where(~flat, 1.0)}
        wanted = {option: getattr(self, option) for option in read}
        numbers = (read[o] if isinstance(v, str) else _given(v, 0.0) for o, v in wanted.items())
        unit.fit(*map(self._spread, numbers))
        flat = flat & (moments.mass > 0)
        if not isinstance(self.scale, str) or not bool(flat.any()):
            return ""
        where = "" if self.outputs == 1 else f" in output {flat.nonzero().flatten().tolist()}"
        return (
            f"the training labels of task {self.name!r} are all equal{where}: its `scale` is set "
            "to 1. Is it the right column?"
        )

    def in_unit(self, head: nn.Module) -> nn.Module:
        """Returns a head whose predictions are in the labels' unit."""
        if self.unit is not None:
            return InFittedUnit(head, self.unit)
        return InUnits(head, *(self._spread(_given(*each)) for each in self._options()))

    def _options(self) -> list[tuple[Numbers, float]]:
        """Returns mean and scale, each with what it is before it is read."""
        return [(self.mean, 0.0), (self.scale, 1.0)]

    def _spread(self, numbers: Tensor) -> Tensor:
        """Returns K numbers in a shape that broadcasts to a prediction."""
        numbers = numbers.to(torch.get_default_dtype()).expand(self.outputs)
        return numbers.reshape(-1, *[1] * self.axes).clone()

    def in_scale(self, prediction: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Returns both in units of `scale`, in float32 or wider."""
        # bfloat16 has three digits, too few for a label
        prediction = prediction.to(torch.promote_types(prediction.dtype, torch.float32))
        labels = labels.to(prediction.dtype)
        if isinstance(self.scale, str):
            assert self.unit is not None
            scale = self.unit.scale
        elif self.scale == 1:
            return prediction, labels
        else:
            scale = torch.tensor(self.scale, dtype=torch.get_default_dtype())
            scale = scale.reshape(-1, *[1] * self.axes) if scale.dim() else scale
        scale = scale.to(prediction.device, prediction.dtype, non_blocking=True)  # nobody waits
        return prediction / scale, labels / scale


def _plain(value: Any) -> Any:
    """Returns numbers of NumPy and torch as those of Python, which a model folder can hold."""
    return value.tolist() if isinstance(value, Tensor | np.ndarray | np.generic) else value


def _given(value: Numbers, otherwise: float) -> Tensor:
    return torch.as_tensor(otherwise if isinstance(value, str) else value, dtype=torch.float64)


def _batches(labels: Any) -> Iterable[Any]:
    if isinstance(labels, Mapping) or not isinstance(labels, Iterable):
        return [labels]  # which is refused, or a single number
    return labels
