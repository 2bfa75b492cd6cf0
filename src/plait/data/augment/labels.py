"""Labels moved with their image, by the geometry that their task declares."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from plait.core.errors import ConfigError, DataError, ShapeError
from plait.core.geometry import Geometry
from plait.data.augment.view import View


class Placed(Protocol):
    """The side of a task that augmentation needs: where its labels lie, and how one is missing."""

    @property
    def name(self) -> str:
        """The task's name."""

    @property
    def geometry(self) -> Geometry:
        """The geometry of a label on its input."""

    @property
    def missing(self) -> float:
        """The label that says missing."""


class Place(NamedTuple):
    """The places of a task's labels alone: unlike the task, they always cross to workers."""

    name: str
    geometry: Geometry
    missing: float


def move(view: View, label: Tensor, task: Placed, *, min_visible: float) -> Tensor:
    """Returns the label that holds for a view of its image.

    Labels that lie nowhere on the image, such as a class or a number, are returned as they are.

    Args:
        view: the view.
        label: of one example.
        task: the task that the label is of.
        min_visible: the share of a box's area that has to be in the view.

    Raises:
        ConfigError: the task's missing label does not fit into a mask's type.
        DataError: numbers that are no floats.
        ShapeError: a label does not have the shape of its geometry.
    """
    moved = _MOVES.get(task.geometry)
    return label if moved is None else moved(view, label, task, min_visible)


def _mask(view: View, label: Tensor, task: Placed, min_visible: float) -> Tensor:
    _check_grid(view, label, task, 2)
    outside = int(task.missing)
    if view.outside is not None and int(torch.tensor(outside).to(label.dtype)) != outside:
        raise ConfigError(
            f"what a view shows from outside the image has no label, which task {task.name!r} "
            f"writes as {outside}; that does not fit into its mask, which is {label.dtype}. "
            "Convert the mask with .long(), or set another `ignore_index`."
        )
    return view.nearest(label, outside=outside)


def _map(view: View, label: Tensor, task: Placed, min_visible: float) -> Tensor:
    _check_numbers(label, task)
    _check_grid(view, label, task, 3)
    return view.bilinear(label, outside=math.nan)


def _point(view: View, label: Tensor, task: Placed, min_visible: float) -> Tensor:
    _check_numbers(label, task, 2)
    moved = view.moved(label.double() + 0.5)
    seen = ((moved >= 0) & (moved <= view.size)).all(-1, keepdim=True)
    return (moved - 0.5).masked_fill(~seen, math.nan).to(label.dtype)


def _box(view: View, label: Tensor, task: Placed, min_visible: float) -> Tensor:
    _check_numbers(label, task, 4)
    corners = label.double()[..., torch.tensor([[0, 1], [2, 1], [0, 3], [2, 3]])]
    moved = view.moved(corners * view.size) / view.size
    low, high = moved.amin(-2), moved.amax(-2)
    seen_low, seen_high = low.clamp(0, 1), high.clamp(0, 1)
    area, seen = (high - low).prod(-1), (seen_high - seen_low).prod(-1)
    # The tolerance is for rounding: a box that is wholly visible stays, at min_visible = 1 as well
    gone = (seen <= 0) | (seen < min_visible * area * (1 - 1e-9))
    box = torch.cat([seen_low, seen_high], -1)
    return box.masked_fill(gone.unsqueeze(-1), math.nan).to(label.dtype)


_MOVES: dict[Geometry, Callable[[View, Tensor, Placed, float], Tensor]] = {
    "box": _box,
    "map": _map,
    "mask": _mask,
    "point": _point,
}


def _check_grid(view: View, label: Tensor, task: Placed, dims: int) -> None:
    height, width = view.grid
    if label.dim() != dims or label.shape[-2:] != (height, width):
        grid = f"[{height}, {width}]" if dims == 2 else f"[K, {height}, {width}]"
        raise ShapeError(
            f"the label of {task.name!r} must be {grid} like the image; found "
            f"{list(label.shape)}. Resize both to the same size first."
        )


def _check_numbers(label: Tensor, task: Placed, length: int | None = None) -> None:
    if not label.is_floating_point():
        raise DataError(
            f"the label of {task.name!r} must be floating point, so that NaN can say missing; "
            f"found {label.dtype}. Convert it with .float()."
        )
    if length is not None and label.shape[-1:] != (length,):
        raise ShapeError(
            f"the label of {task.name!r} must be [..., {length}]; found {list(label.shape)}. "
            "A box has 4 numbers, a point 2."
        )
