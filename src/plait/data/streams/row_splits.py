"""Training, validation and test of a table that is not held in memory: row by row, by a rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from plait.core.errors import ConfigError, DataError, unknown
from plait.core.seeding import derive_seed
from plait.data.streams.row_groups import RowGroups
from plait.data.table.divide import OPTIONS, fractions_of
from plait.data.table.splits import FRACTIONS, SPLITS, check_fractions, known_words, named_splits

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, Any]

MOST_HELD_OUT = 100_000  # rows for validation, and for testing, where nobody says how many


class RowSplits(Protocol):
    """A rule that gives each row of a table a split, whatever other rows are read with it."""

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that it reads."""

    def of(self, frame: pd.DataFrame | None, numbers: Array) -> Array:
        """Returns the number of the split, in `SPLITS`, of each row.

        Args:
            frame: the rows, with the columns that are read; None if there are none.
            numbers: of the rows in the table, counted from 0 over all groups.
        """


@dataclass(frozen=True)
class ByShares:
    """Each row is in a split by chance: by a hash of its number, or of the group that it is in.

    Attributes:
        val: share of the rows for validation, 0 to 1.
        test: share of the rows for testing.
        seed: another one gives another division.
        group: a column of which no value is in two splits; a row without a value goes by its
            number.
    """

    val: float
    test: float
    seed: int = 0
    group: str | None = None

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return () if self.group is None else (self.group,)

    def of(self, frame: pd.DataFrame | None, numbers: Array) -> Array:
        """Returns the number of the split of each row; see `RowSplits`."""
        chance = _chances(numbers, self.seed)
        if frame is not None and self.group is not None:
            from plait.data.table.parse import words

            codes, found = words(frame[self.group])
            own = [derive_seed(self.seed, "group of rows", word) / 2**63 for word in found]
            chance = np.where(codes < 0, chance, np.array([*own, 0.0])[codes])
        return np.select([chance < self.val, chance < self.val + self.test], [1, 2], 0)


@dataclass(frozen=True)
class ByColumn:
    """Each row is in the split that a column names.

    Attributes:
        column: its name.
        words: `{word in lower case: split}`.
        absent: shares of the training rows that go to a split which the column does not name.
        seed: another one takes other rows for it.
    """

    column: str
    words: Mapping[str, str]
    absent: Mapping[str, float]
    seed: int = 0

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return (self.column,)

    def of(self, frame: pd.DataFrame | None, numbers: Array) -> Array:
        """Returns the number of the split of each row; see `RowSplits`."""
        assert frame is not None
        named = named_splits(frame[self.column], self.words)
        if self.absent:
            rest = ByShares(self.absent.get("val", 0.0), self.absent.get("test", 0.0), self.seed)
            return np.where(named == 0, rest.of(None, numbers), named)
        return named


def row_splits(
    source: RowGroups, split: str | Mapping[str, Any] | None, rows: int
) -> tuple[RowSplits, list[Array], list[str]]:
    """Returns the rule that a configuration describes, with the rows that it gives to each split.

    A column that names the splits, or a `group`, is read through once, alone.

    Args:
        source: the table.
        split: as for `plait.data.table.divide.divide`. The shares by default are 0.15 each for
            validation and testing, but about 100,000 rows at most.
        rows: rows of a slice, the unit in which they are counted.

    Returns:
        The rule; for each group the number of rows in each slice of it by split, `[slices, 3]`; and
        sentences on what was decided.

    Raises:
        ConfigError: an unknown option, or one that has no effect beside another.
        DataError: a column is missing or has a word that is no split; a split has no row.
    """
    options: dict[str, Any] = {"column": split} if isinstance(split, str) else dict(split or {})
    for option in options:
        if option not in OPTIONS:
            raise ConfigError(unknown("option of `split`", option, OPTIONS))
    seed = options.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ConfigError(f"`split.seed` must be a whole number, not negative; found {seed!r}.")
    notes: list[str] = []
    if options.get("column") is None:
        rule: RowSplits = _by_shares(options, sum(source.sizes))
        counts = count_splits(source, rule, rows)
    else:
        rule, counts, notes = _by_column(source, options, rows)
    for name, found in zip(SPLITS, _totals(counts), strict=True):
        if not found:
            raise DataError(
                f"{source.name} has no row for {name} among its {sum(source.sizes):,}. Divide the "
                "rows in another way (`split`), or read the table whole (without `stream`)."
            )
    return rule, counts, notes


def _by_shares(options: Mapping[str, Any], rows: int) -> ByShares:
    shares = fractions_of(options)
    check_fractions(shares)
    if "words" in options:
        raise ConfigError("`split.words` is about a `column`; name it too.")
    if "train" not in options:
        most = {name: MOST_HELD_OUT / rows for name in FRACTIONS if name not in options}
        shares = {name: min(share, most.get(name, 1)) for name, share in shares.items()}
    return ByShares(shares["val"], shares["test"], options.get("seed", 0), options.get("group"))


def _by_column(
    source: RowGroups, options: Mapping[str, Any], rows: int
) -> tuple[ByColumn, list[Array], list[str]]:
    """Returns the rule of a column, which takes rows from training for a split that it lacks."""
    for option in ("train", "val", "test", "group"):
        if option in options:
            raise ConfigError(
                f"`split.{option}` has no effect beside a column that names the splits of a "
                "stream; leave out one of the two (`split.column=null`)."
            )
    column, words = options["column"], known_words(options.get("words"))
    rule = ByColumn(column, words, {}, options.get("seed", 0))
    counts = count_splits(source, rule, rows)
    before = _totals(counts)
    absent = [name for k, name in enumerate(SPLITS) if k and not before[k]]
    if not absent or not before[0]:
        return rule, counts, []
    whole = FRACTIONS["train"] + sum(FRACTIONS[name] for name in absent)
    most = MOST_HELD_OUT / before[0]
    rule = replace(rule, absent={name: min(FRACTIONS[name] / whole, most) for name in absent})
    counts = count_splits(source, rule, rows)
    taken = dict(zip(SPLITS, _totals(counts), strict=True))
    notes = [
        f"column {column!r} names no row for {name}: {taken[name]:,} of its {before[0]:,} training "
        "rows are taken."
        for name in absent
    ]
    return rule, counts, notes


def _totals(counts: Sequence[Array]) -> list[int]:
    """Returns the rows of each split."""
    found: list[int] = np.sum([each.sum(axis=0) for each in counts], axis=0).tolist()
    return found


def count_splits(source: RowGroups, rule: RowSplits, rows: int) -> list[Array]:
    """Counts the rows of each split: for each group `[slices, 3]`, a slice having so many rows."""
    sizes = source.sizes
    counts = []
    for group, (size, end) in enumerate(zip(sizes, accumulate(sizes), strict=True)):
        frames = source.frames(group, rule.reads, rows) if rule.reads else None
        found = _of_group(rule, frames, range(end - size, end), rows)
        counts.append(np.array([np.bincount(each, minlength=3) for each in found]))
    return counts


def _of_group(
    rule: RowSplits, frames: Iterator[pd.DataFrame] | None, numbers: range, rows: int
) -> Iterator[Array]:
    """Yields the splits of the rows of each slice of a group, whose rows have these numbers."""
    for first in range(0, len(numbers), rows):
        part = numbers[first : first + rows]
        yield rule.of(None if frames is None else next(frames), np.arange(part.start, part.stop))


def _chances(numbers: Array, seed: int) -> Array:
    """Returns a number in [0, 1) for each row: its number mixed as in SplitMix64.

    Reference: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    state = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    state += np.uint64(derive_seed(seed, "splits of a stream"))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        state = (state ^ (state >> np.uint64(shift))) * np.uint64(factor)
    return ((state ^ (state >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) / 2**53
