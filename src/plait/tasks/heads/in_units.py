"""Heads whose predictions are in the labels' unit."""

from __future__ import annotations

from multiprocessing.context import get_spawning_popen
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn


class Unit(nn.Module):
    """Base of what holds `mean` and `scale`, and tells that they may have changed.

    They change by `fit`, by loading and by moving alone; write into them by no other way.

    Attributes:
        changes: how often any of them may have changed so far, in all units.
    """

    changes: ClassVar[int] = 0
    mean: Tensor
    scale: Tensor

    def __init__(self, mean: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)

    def _apply(self, *args: Any, **options: Any) -> Self:
        Unit.changes += 1
        moved: Self = super()._apply(*args, **options)  # type: ignore[no-untyped-call]
        return moved

    def _load_from_state_dict(self, *args: Any) -> None:
        Unit.changes += 1
        super()._load_from_state_dict(*args)


class InUnits(Unit):
    """A head followed by ``mean + scale * output``, so that predictions are in the labels' unit."""

    def __init__(self, head: nn.Module, mean: Tensor, scale: Tensor) -> None:
        super().__init__(mean, scale)
        self.head = head

    def forward(self, features: object) -> Tensor:
        """Returns predictions in the labels' unit."""
        output: Tensor = self.head(features)
        return self.mean + self.scale * output


class FittedUnit(Unit):
    """A unit whose numbers are read from the training labels, ``mean + scale * output``.

    Its buffers are the only place of the numbers: a task reads its errors' unit from here, and each
    head of the task holds this module, so that they are saved and loaded with a model.

    Args:
        mean: until it is fitted, in a shape that broadcasts to a prediction.
        scale: likewise.

    Attributes:
        fitted: 1 if the numbers were read from labels, else 0; a whole number, since averages of
            models (`AveragedModel`) cannot subtract booleans.
    """

    fitted: Tensor

    def __init__(self, mean: Tensor, scale: Tensor) -> None:
        super().__init__(mean, scale)
        self.register_buffer("fitted", torch.tensor(0))

    def forward(self, output: Tensor) -> Tensor:
        """Returns the output of a head in the labels' unit."""
        return self.mean + self.scale * output

    def fit(self, mean: Tensor, scale: Tensor) -> None:
        """Sets the numbers, whatever device and dtype they have here."""
        Unit.changes += 1
        self.mean.copy_(mean)
        self.scale.copy_(scale)
        self.fitted.fill_(1)

    def extra_repr(self) -> str:
        """Shows the numbers, or that they are still to be read."""
        if not self.fitted:
            return "auto"
        return f"mean={self.mean.flatten().tolist()}, scale={self.scale.flatten().tolist()}"

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        if get_spawning_popen() is not None:  # a loader's worker, which has no device
            state["_buffers"] = {
                name: each.cpu() for name, each in self._buffers.items() if each is not None
            }
        return state


class InFittedUnit(nn.Module):
    """A head whose predictions are in a unit that it shares with its task.

    Args:
        head: gives the output.
        unit: of the task.
    """

    def __init__(self, head: nn.Module, unit: FittedUnit) -> None:
        super().__init__()
        self.head = head
        self.unit = unit

    def forward(self, features: object) -> Tensor:
        """Returns predictions in the labels' unit."""
        prediction: Tensor = self.unit(self.head(features))
        return prediction
