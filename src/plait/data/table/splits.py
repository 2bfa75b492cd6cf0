"""Division of a table's rows into training, validation and test: by fractions or by a column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.errors import ConfigError, DataError, unknown
from plait.core.seeding import derive_seed
from plait.data.table.parse import row_of
from plait.data.table.strata import strata_of
from plait.data.table.stratify import stratify

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, Any]

SPLITS = ("train", "val", "test")
# Validation chooses epochs and settings, the test part has to tell methods apart: both need rows
# enough for every task, of which some have few labels.
FRACTIONS = {"train": 0.7, "val": 0.15, "test": 0.15}
WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}


@dataclass(frozen=True)
class Division:
    """The rows of a table by their split.

    Attributes:
        rows: `{"train": rows, "val": rows, "test": rows}`, numbers from 0, ascending; each row is
            in one split.
        notes: sentences on what was decided for the user.
        groups: `[N]`, the number of each row's group, if `group` names a column of them.
    """

    rows: dict[str, Array]
    notes: tuple[str, ...] = ()
    groups: Array | None = None

    def parts(self) -> Iterator[tuple[str, Array, Array | None]]:
        """Yields each split with its rows, and their groups if there are any."""
        for split, rows in self.rows.items():
            yield split, rows, None if self.groups is None else self.groups[rows]


def split_by_fractions(
    labels: Mapping[str, Any],
    fractions: Mapping[str, float] = FRACTIONS,
    *,
    seed: int,
    together: Array | None = None,
    twins: Array | None = None,
) -> Division:
    """Divides rows at random, so that every split has its share of every task's labels.

    Rare labels are placed first (iterative stratification). Each split gets a row of every task
    that has three labelled rows or more, and of every class unless they are many.

    Args:
        labels: of each task, as `labels_of` gives them.
        fractions: `{"train": share, "val": share, "test": share}`, with the sum 1.
        seed: another one gives another division.
        together: `[N]`, the number of each row's group, such as a patient: a group stays in one
            split. By default each row is its own.
        twins: `[N]`, equal for rows of equal inputs (`equal_rows` numbers them). Where there are no
            groups they stay in one split too, unless fewer than half of the rows differ: then
            equal inputs are the rule, and new examples will repeat known ones as well.

    Returns:
        The division, which depends on nothing but the arguments. Splits differ from their fractions
        by less than a row; with groups, by less than the largest group.

    Raises:
        ConfigError: fractions of other splits, not above 0, or with another sum.
        DataError: there are fewer rows, or groups, than splits.
    """
    check_fractions(fractions)
    shares = np.array([fractions[split] for split in SPLITS])
    strata = strata_of(labels.values(), float(shares.min()))
    notes = []
    if together is None and twins is not None:
        different = _different(twins)
        if different < len(twins) <= 2 * different:
            together = twins
        elif different < len(twins):
            notes.append(
                f"only {different:,} of {len(twins):,} rows have different inputs, so rows of "
                "equal inputs may be in several splits."
            )
    return Division(
        _divide(strata, dict(zip(SPLITS, shares, strict=True)), seed, together), tuple(notes)
    )


def split_by_column(
    column: pd.Series[Any],
    labels: Mapping[str, Any],
    *,
    seed: int,
    words: Mapping[str, str] | None = None,
    together: Array | None = None,
) -> Division:
    """Divides rows as a column says.

    A column that names no row for validation, or none for testing, has it taken from its training
    rows, in the proportions of `FRACTIONS`, with every task's labels in their shares.

    Args:
        column: of words such as train, valid and test, in any case.
        labels: of each task, as `labels_of` gives them; they are looked at only where a split is
            missing.
        seed: another one takes other rows for a missing split.
        words: `{word of the column: "train", "val" or "test"}`, for other words and for numbers.
        together: as for `split_by_fractions`.

    Raises:
        ConfigError: a word stands for something that is no split.
        DataError: an unknown word, or none, in a row; no row for training.
    """
    rows = _named_rows(column, known_words(words))
    if len(rows["train"]) == 0:
        raise DataError(f"column {column.name!r} names no row for training. Is it the right one?")
    absent = [split for split in SPLITS if len(rows[split]) == 0]
    if not absent:
        return Division(rows)
    train = rows["train"]
    parts = ["train", *absent]
    shares = np.array([FRACTIONS[split] for split in parts])
    divided = _divide(
        strata_of([np.asarray(each)[train] for each in labels.values()], float(shares.min())),
        dict(zip(parts, shares / shares.sum(), strict=True)),
        seed,
        None if together is None else together[train],
    )
    rows |= {split: train[part] for split, part in divided.items()}
    notes = tuple(
        f"column {column.name!r} names no row for {split}: {len(rows[split]):,} of its "
        f"{len(train):,} training rows are taken."
        for split in absent
    )
    return Division(rows, notes)


def _named_rows(column: pd.Series[Any], words: Mapping[str, str]) -> dict[str, Array]:
    """Returns the rows that a column gives to each split."""
    number = named_splits(column, words)
    return {name: np.flatnonzero(number == place) for place, name in enumerate(SPLITS)}


def named_splits(column: pd.Series[Any], words: Mapping[str, str] = WORDS) -> Array:
    """Returns the number, in `SPLITS`, of the split that a column names in each row: `[N]`.

    Args:
        column: of words, in any case.
        words: `{word in lower case: split}`.

    Raises:
        DataError: a cell is empty, or another word; it names the row.
    """
    import pandas as pd

    codes, values = pd.factorize(column)
    found = [str(value).strip() for value in values]
    split = [words.get(word.lower()) for word in found]
    numbers = np.array([-1 if each is None else SPLITS.index(each) for each in split] + [-1])
    number = numbers[codes]
    if (number < 0).any():
        row = int((number < 0).argmax())
        shown = "an empty cell" if codes[row] < 0 else repr(found[codes[row]])
        raise DataError(
            f"column {column.name!r} must say train, val or test in each row; found {shown} in "
            f"row {row_of(column, row)}. Other words can be named: `split: {{column: "
            f"{column.name}, words: {{WORD: train, ...}}}}`."
        )
    return number


def known_words(words: Mapping[str, str] | None) -> dict[str, str]:
    """Returns `{word in lower case: split}` of a user's words, and of those that are known.

    Raises:
        ConfigError: a word stands for something that is no split.
    """
    known = {str(word).strip().lower(): split for word, split in (words or {}).items()}
    for split in known.values():
        if split not in SPLITS:
            raise ConfigError(unknown("split", split, SPLITS))
    return WORDS | known


def _divide(
    strata: Array, shares: Mapping[str, float], seed: int, together: Array | None
) -> dict[str, Array]:
    rows = len(strata)
    units = rows if together is None else _different(together)
    if units < len(shares):
        what = "rows" if together is None else "groups of rows that stay together"
        raise DataError(
            f"{', '.join(shares)} must have a row each; found {units} {what}. Add rows, or name "
            "the split of each row in a column."
        )
    generator = np.random.default_rng(derive_seed(seed, "splits of a table"))
    found = stratify(strata, np.array(list(shares.values())), generator, together)
    return {split: np.flatnonzero(found == place) for place, split in enumerate(shares)}


def _different(numbers: Array) -> int:
    """Counts different numbers; `np.unique` takes a hundred times as long where all differ."""
    ordered = np.sort(numbers)
    return len(numbers) and 1 + int(np.count_nonzero(ordered[1:] != ordered[:-1]))


def check_fractions(fractions: Mapping[str, float]) -> None:
    """Raises `ConfigError` unless there is a positive share for each split, with the sum 1."""
    if set(fractions) != set(SPLITS):
        raise ConfigError(
            f"fractions must be of {', '.join(SPLITS)}; found {', '.join(fractions)}."
        )
    total = sum(fractions.values())
    if min(fractions.values()) <= 0 or abs(total - 1) > 1e-6:
        raise ConfigError(
            f"fractions must be positive, with the sum 1; found {dict(fractions)}, which is "
            f"{total:g} together."
        )
