"""Tables of scores: a row for each method, a column for each metric or task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plait.core.errors import ShapeError

Array = np.ndarray[Any, Any]


def costs_of(table: Any, higher_is_better: Sequence[bool] | None, *, name: str = "table") -> Array:
    """Returns a table `[N, M]` in which lower is better in every column.

    Args:
        table: `[N, M]`, numbers; NaN where there is none.
        higher_is_better: direction of each column; lower is better in all of them by default.
        name: of the table, for the message.

    Raises:
        ShapeError: it is no table, or there are more or fewer directions than columns.
    """
    found = np.array(table, dtype=np.float64)
    if found.ndim != 2:
        raise ShapeError(f"`{name}` must be [N, M], a row for each; found {list(found.shape)}.")
    if higher_is_better is None:
        return found
    if len(higher_is_better) != found.shape[1]:
        raise ShapeError(
            f"`higher_is_better` must be one for each of {found.shape[1]} columns; found "
            f"{len(higher_is_better)}."
        )
    signs: Array = np.where(np.asarray(higher_is_better, dtype=bool), -1.0, 1.0)
    return signs * found
