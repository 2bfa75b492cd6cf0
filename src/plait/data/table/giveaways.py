"""Columns of inputs from which a target follows: most likely they were not known in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, Any]

ROWS = 100_000  # that are looked at
WORK = 300_000_000  # rows times pairs of columns that are looked at, where there are many pairs
FEWEST = 30  # rows with both values, below which anything may be an accident
SURE = 0.98  # share of what a guess without the column leaves open
SURE_VALUE, ROWS_OF_A_VALUE = 0.999, 100  # when a single value of a column settles the target
SETTLED = 0.3  # share of the target's variety in such rows, from which it is worth a word
LINEAR, MONOTONE = 0.999, 0.9999  # correlations of values, and of ranks


@dataclass(frozen=True)
class GiveAway:
    """A column of inputs that gives a target away.

    Attributes:
        column: of inputs.
        target: the column of the target.
        share: of the target that follows from the column, from 0 to 1: of its variance, or of the
            rows that the most frequent value leaves open; where only some values of the column
            settle the target, the share of the rows that have them.
        sentence: the finding as a user reads it.
        whole: whether the whole target follows, so that the column is better left out; if not, some
            values of the column settle the target, as "husband" settles whether one is married.
    """

    column: str
    target: str
    share: float
    sentence: str
    whole: bool = True


def give_aways(
    frame: pd.DataFrame, inputs: Sequence[str], targets: Mapping[str, str], *, seed: int = 0
) -> list[GiveAway]:
    """Finds the columns of inputs from which a target follows.

    A column gives a target away if each of its values stands for one value of the target (judged
    for each row by the other rows of its value, so that a value of one row gives nothing away), if
    it rises or falls with the target throughout, if its values are ranges of the target, or if a
    cell is empty just where the target has a certain value.

    Args:
        frame: the table.
        inputs: the names of columns.
        targets: `{column: kind}`, "number" or another.
        seed: of the rows that are looked at where there are more than 100,000, or fewer where there
            are many pairs of columns.

    Returns:
        For each pair at most one finding, in the order of the targets.
    """
    rows = min(ROWS, max(FEWEST, WORK // max(1, len(inputs) * len(targets))))
    if len(frame) > rows:
        frame = frame.sample(rows, random_state=seed)
    columns = {name: _Column(frame[name]) for name in inputs}
    found = []
    for target, kind in targets.items():
        labels = _Column(frame[target])
        for name, column in columns.items():
            if name != target and (finding := _between(column, labels, kind == "number")):
                how, share = finding
                told = _SENTENCES[how].format(column=name, target=target, share=_percent(share))
                found.append(GiveAway(name, target, share, told, whole=how != "some"))
    return found


class _Column:
    """A column as codes of its values, -1 where missing, and as numbers if it holds such."""

    def __init__(self, cells: pd.Series[Any]) -> None:
        import pandas as pd

        from plait.data.table.twins import hashable

        self.codes, values = pd.factorize(hashable(cells))
        self.different = len(values)
        self.numbers: Array | None = None
        if pd.api.types.is_numeric_dtype(cells) or pd.api.types.is_bool_dtype(cells):
            self.numbers = cells.to_numpy(dtype=np.float64, na_value=np.nan)
        elif pd.api.types.is_datetime64_any_dtype(cells):
            self.numbers = cells.astype("int64").to_numpy(dtype=np.float64)
            self.numbers[self.codes < 0] = np.nan


def _between(column: _Column, target: _Column, measured: bool) -> tuple[str, float] | None:
    """Returns the way and the share in which a target follows from a column; else None."""
    labelled = target.codes >= 0
    if labelled.sum() < FEWEST or target.different < 2:
        return None
    empty = (column.codes[labelled] < 0).astype(int)
    classes = target.codes[labelled]
    if not measured and 0 < empty.sum() < len(empty):
        share = _share_of_classes(empty, classes)
        if share >= SURE:
            return "empty", share
    both = labelled & (column.codes >= 0)
    if both.sum() < FEWEST or column.different < 2:
        return None
    codes, classes = column.codes[both], target.codes[both]
    if target.numbers is not None and (measured or target.different == 2):
        values = target.numbers[both]
        if column.numbers is not None and column.different > 2:
            along = _correlation(column.numbers[both], values, measured)
            if along is not None:
                return "along", along
        if measured and _are_ranges(codes, values):
            return "ranges", 1.0
        if measured:
            share = _share_of_variance(codes, values)
            return ("values", share) if share >= LINEAR else None
    if measured:
        return None
    share = _share_of_classes(codes, classes)
    if share >= SURE:
        return "values", share
    settled, variety = _settled(codes, classes)
    return ("some", settled) if variety >= SETTLED else None


def _share_of_classes(codes: Array, classes: Array) -> float:
    """Returns the share of the rows outside the largest class that the codes tell right.

    Each row is told by the most frequent class among the other rows of its code.
    """
    width = int(classes.max()) + 1
    pairs, counts = np.unique(codes.astype(np.int64) * width + classes, return_counts=True)
    owner = pairs // width
    order = np.lexsort((-counts, owner))
    owner, counts = owner[order], counts[order]
    first = np.flatnonzero(np.concatenate([[True], owner[1:] != owner[:-1]]))
    following = np.minimum(first + 1, len(owner) - 1)
    second = np.where(owner[following] == owner[first], counts[following], 0)
    second[following == first] = 0
    right = int(counts[first][counts[first] - 1 > second].sum())
    largest = int(np.bincount(classes).max())
    return (right - largest) / max(1, len(classes) - largest)


def _settled(codes: Array, classes: Array) -> tuple[float, float]:
    """Returns the share of rows with a code that settles the class, and of the variety in them.

    The variety of a row is the chance that another row has another class; that of rows whose class
    most rows have is small.
    """
    width = int(classes.max()) + 1
    rows = np.bincount(codes)
    pairs, counts = np.unique(codes.astype(np.int64) * width + classes, return_counts=True)
    owner, which = pairs // width, pairs % width
    settles = (counts >= SURE_VALUE * rows[owner]) & (counts >= ROWS_OF_A_VALUE)
    often = np.bincount(classes) / len(classes)
    variety = float((counts * (1 - often[which]))[settles].sum()) / len(codes)
    return float(counts[settles].sum()) / len(codes), variety / max(1e-12, 1 - float(often @ often))


def _share_of_variance(codes: Array, values: Array) -> float:
    """Returns the share of the variance that the means of the other rows of a code explain."""
    counts, sums = np.bincount(codes), np.bincount(codes, weights=values)
    others = counts[codes] - 1
    told = np.where(others > 0, (sums[codes] - values) / np.maximum(1, others), values.mean())
    variance = float(((values - values.mean()) ** 2).sum())
    return 1.0 - float(((values - told) ** 2).sum()) / variance if variance else 0.0


def _correlation(column: Array, target: Array, measured: bool) -> float | None:
    """Returns the correlation if a number rises or falls with the target throughout."""
    ranks, wanted = _ranks(column), _ranks(target)
    if not measured:  # two values: any number below a bound is one, any above it the other
        high = target == target.max()
        apart = ranks[high].min() > ranks[~high].max() or ranks[high].max() < ranks[~high].min()
        return 1.0 if apart and min(high.sum(), (~high).sum()) >= FEWEST else None
    monotone = abs(_pearson(ranks, wanted))
    if monotone >= MONOTONE:
        return monotone
    linear = abs(_pearson(column, target))
    return linear if linear >= LINEAR and monotone > 0.95 else None


def _are_ranges(codes: Array, values: Array) -> bool:
    """Whether the rows of each code are neighbours when all are sorted by their values."""
    different = len(np.unique(codes))
    if different < 2 or np.bincount(codes).max() * 2 < FEWEST or different * 10 > len(codes):
        return False
    ends = np.stack([np.full(codes.max() + 1, np.inf), np.full(codes.max() + 1, -np.inf)])
    np.minimum.at(ends[0], codes, values)
    np.maximum.at(ends[1], codes, values)
    low, high = ends[:, np.isfinite(ends[0])]
    order = low.argsort()
    return bool((low[order][1:] > high[order][:-1]).all())


def _ranks(values: Array) -> Array:
    import pandas as pd

    ranks: Array = pd.Series(values).rank().to_numpy()
    return ranks


def _pearson(one: Array, other: Array) -> float:
    with np.errstate(invalid="ignore", over="ignore"):
        one, other = one - one.mean(), other - other.mean()
        product = float(np.sqrt((one @ one) * (other @ other)))
        return float(one @ other) / product if 0 < product < np.inf else 0.0


_SENTENCES = {
    "values": "{column} gives {target} away: each of its values stands for one of {target}{share}",
    "along": "{column} gives {target} away: it rises or falls with it throughout{share}",
    "ranges": "{column} gives {target} away: its values are ranges of {target}",
    "empty": "{column} gives {target} away by where it is empty{share}",
    "some": "some values of {column} settle {target} for their rows{share}",
}


def _percent(share: float) -> str:
    return "" if share > 0.99995 else f" ({100 * share:.4g} %)"
