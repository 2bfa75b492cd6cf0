"""Rows with equal inputs: which they are, and how many of them a split shares with training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, Any]

TELLING = 3  # columns of numbers that are looked at first
UNLIKELY = 1 / 7  # in place of what is no number


@dataclass(frozen=True)
class Twins:
    """Rows of a held-out split whose inputs equal those of a training row.

    Attributes:
        split: the name of the split.
        rows: how many rows the split has.
        inputs: how many of them have the inputs of a training row.
        targets: how many of these have its targets too.
    """

    split: str
    rows: int
    inputs: int
    targets: int

    @property
    def sentence(self) -> str:
        """The finding as a user reads it."""
        return (
            f"{self.inputs:,} of the {self.rows:,} rows of {self.split} have the inputs of a "
            f"training row, {self.targets:,} of them its targets too, for which memory is enough."
        )


def equal_rows(frame: pd.DataFrame) -> Array:
    """Numbers the different rows of a frame from 0: `[N]`, equal for rows that are equal.

    Missing values are equal to each other. A few columns of numbers tell most rows apart; the
    others are divided column by column.
    """
    import pandas as pd

    alike = _not_told_apart(frame)
    first = np.arange(len(frame))  # the first row that is equal
    if len(alike):
        numbers = np.zeros(len(alike), dtype=np.int64)
        for place in range(frame.shape[1]):
            codes, values = pd.factorize(hashable(frame.iloc[alike, place]))
            numbers, different = pd.factorize(numbers * (len(values) + 1) + codes + 1)
            if len(different) == len(alike):
                break
        first[alike] = alike[np.unique(numbers, return_index=True)[1][numbers]]
    found: Array = (np.cumsum(first == np.arange(len(frame))) - 1)[first]
    return found


def _not_told_apart(frame: pd.DataFrame) -> Array:
    """Returns the rows that may be equal to another one, by a sum over some columns of numbers."""
    import pandas as pd

    numbers = [place for place, kind in enumerate(frame.dtypes) if kind.kind in "fiu"]
    sums = np.zeros(len(frame))
    for weight, place in enumerate(numbers[:TELLING], start=1):
        column = frame.iloc[:, place].to_numpy(dtype=np.float64, na_value=np.nan)
        with np.errstate(over="ignore"):
            sums += weight**0.5 * np.nan_to_num(column, nan=UNLIKELY, posinf=UNLIKELY)
    ordered = np.sort(sums)
    if (ordered[1:] > ordered[:-1]).all():
        return np.arange(0)
    return np.flatnonzero(pd.Series(sums).duplicated(keep=False))


def groups(column: pd.Series[Any]) -> Array:
    """Numbers the groups of a column: `[N]`, equal for equal values; a row without one is its own.

    Example:
        >>> import pandas as pd
        >>> groups(pd.Series(["ann", None, "ann", None])).tolist()
        [0, 1, 0, 2]
    """
    numbers = equal_rows(column.to_frame())
    alone = column.isna().to_numpy()
    numbers[alone] = len(numbers) + np.arange(int(alone.sum()))
    return np.unique(numbers, return_inverse=True)[1] if alone.any() else numbers


def twins(inputs: pd.DataFrame, targets: pd.DataFrame, rows: Mapping[str, Array]) -> list[Twins]:
    """Finds the held-out rows whose inputs equal those of a training row.

    Args:
        inputs: the columns of inputs, as they were read.
        targets: the columns of targets, of the same rows.
        rows: `{"train": rows, split: rows, ...}`.

    Returns:
        The splits that have such rows, in their order.
    """
    import pandas as pd

    alike = equal_rows(inputs)
    both = equal_rows(pd.concat([pd.Series(alike, inputs.index), targets], axis=1))
    known, known_both = (np.zeros(len(alike), dtype=bool) for _ in range(2))
    known[alike[rows["train"]]] = True
    known_both[both[rows["train"]]] = True
    found = [
        Twins(split, len(own), int(known[alike[own]].sum()), int(known_both[both[own]].sum()))
        for split, own in rows.items()
        if split != "train"
    ]
    return [each for each in found if each.inputs]


def hashable(column: pd.Series[Any]) -> pd.Series[Any]:
    """Returns a column whose lists and arrays are written out."""
    if column.dtype != object or column.map(lambda cell: isinstance(cell, str)).all():
        return column
    listed = column.map(lambda cell: isinstance(cell, list | tuple | set | np.ndarray | dict))
    return column.where(~listed, column.map(repr)) if listed.any() else column
