"""Rows of a table that stay together, whatever is done with them."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class Units:
    """Rows that stay together, numbered from 0.

    Args:
        rows: N, their number.
        together: `[N]`, equal for rows of one unit; by default each row is one.

    Attributes:
        of: `[N]`, the unit of each row.
        size: of each unit, in rows.
    """

    def __init__(self, rows: int, together: Array | None = None) -> None:
        if together is None:
            self.of = self._order = self._starts = np.arange(rows)
            self.size = np.ones(rows, dtype=int)
            return
        self.of = np.unique(together, return_inverse=True)[1]
        self.size = np.bincount(self.of)
        self._order = np.argsort(self.of, kind="stable")
        self._starts = np.cumsum(self.size) - self.size

    def first_rows(self, units: Array) -> Array:
        """Returns the first row of each of some units."""
        first: Array = self._order[self._starts[units]]
        return first

    def rows(self, units: Array) -> Array:
        """Returns all rows of some units, one unit after the other."""
        if len(self.size) == len(self.of):
            return self._order[units]
        sizes = self.size[units]
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        rows: Array = self._order[np.repeat(self._starts[units], sizes) + within]
        return rows
