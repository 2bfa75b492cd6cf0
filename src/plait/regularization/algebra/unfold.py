"""A tensor as a matrix: some of its axes are the rows, the others the columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Literal

from torch import Tensor

Form = Literal["last_axis", "tucker", "tensor_train", "all"]
FORMS = ("last_axis", "tucker", "tensor_train", "all")


def row_axes(order: int, form: Form) -> list[tuple[int, ...]]:
    """Returns the axes that are the rows of each unfolding.

    Args:
        order: the number of axes.
        form: "last_axis" has the last axis against all others; "tucker" each axis against all
            others; "tensor_train" the first k against the rest; "all" every division into two.

    Example:
        >>> row_axes(3, "tucker"), row_axes(3, "tensor_train"), row_axes(3, "all")
        ([(0,), (1,), (2,)], [(0,), (0, 1)], [(0,), (0, 1), (0, 2)])
    """
    if order < 2 or form == "last_axis":
        return [(order - 1,)]
    if form == "tucker":
        return [(axis,) for axis in range(order)]
    if form == "tensor_train":
        return [tuple(range(count)) for count in range(1, order)]
    others = range(1, order)  # axis 0 is always among the rows: each division is there once
    return [(0, *chosen) for count in range(order - 1) for chosen in combinations(others, count)]


def unfold(tensor: Tensor, rows: Sequence[int]) -> Tensor:
    """Returns the tensor as a matrix with the given axes as rows, in row-major order."""
    columns = [axis for axis in range(tensor.dim()) if axis not in rows]
    height = math.prod(tensor.shape[axis] for axis in rows)
    return tensor.permute(*rows, *columns).reshape(height, -1)


def written(order: int, rows: Sequence[int]) -> str:
    """Returns a division of the axes as text.

    Example:
        >>> written(4, (0, 2))
        '0,2|1,3'
    """
    columns = [axis for axis in range(order) if axis not in rows]
    return "|".join(",".join(map(str, side)) for side in (rows, columns))
