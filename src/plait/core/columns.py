"""Columns of a table, as the data code them and encoders read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from plait.core.errors import ConfigError, unknown

ColumnKind = Literal["number", "category", "date", "tags", "numbers"]

MISSING, UNSEEN, FIRST = 0, 1, 2  # codes of a category: no value, an unknown one, the first known


@dataclass(frozen=True)
class Column:
    """One column of inputs, with what its training rows say of it.

    A row of inputs is a vector. A category takes one entry in it, its code: 0 for a missing value,
    1 for one that was not seen in training or only once, 2 + k for the k-th of `values`. All other
    kinds take an entry for each of their numbers, NaN where it is missing.

    Attributes:
        name: of the column in the table.
        kind: "number"; "category", one of a few words (a yes or no too); "date", which becomes
            several numbers; "tags", a list of words, one number 0 or 1 for each known word;
            "numbers", a list of numbers of one length.
        values: the known words of a category or of tags, sorted.
        center: for each number, the median of the training rows, or their mean where more than
            half of them are equal; empty for a category, as all below.
        scale: for each number, the distance between the quartiles / 1.349 (which is the standard
            deviation of normally distributed numbers), or the standard deviation where that is 0,
            or 1 where all are equal.
        missing: for each number, the share of training rows that lack it.
        edges: for each number, ascending quantiles of the training rows without repeats, at least
            two unless all are equal.
        form: how the text of a date or a list is read: a date's format, a list's separator; empty
            for other kinds.
        absent: words in its cells that say that a value is missing, such as "?".
    """

    name: str
    kind: ColumnKind
    values: Sequence[str] = ()
    center: Sequence[float] = ()
    scale: Sequence[float] = ()
    missing: Sequence[float] = ()
    edges: Sequence[Sequence[float]] = ()
    form: str = ""
    absent: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.kind not in get_args(ColumnKind):
            raise ConfigError(unknown("kind of column", self.kind, get_args(ColumnKind)))
        lengths = {len(each) for each in (self.center, self.scale, self.missing, self.edges)}
        if len(lengths) > 1:
            raise ConfigError(
                f"column {self.name!r} must have `center`, `scale`, `missing` and `edges` for each "
                f"of its numbers; found {sorted(lengths)} of them."
            )

    @property
    def numbers(self) -> int:
        """The number of numbers that the column has in a row; 0 for a category."""
        return len(self.center)

    @property
    def codes(self) -> int:
        """The number of codes of a category, with those of missing and unseen values; else 0."""
        return FIRST + len(self.values) if self.kind == "category" else 0

    @property
    def entries(self) -> int:
        """The number of entries of a row that the column takes."""
        return 1 if self.kind == "category" else self.numbers

    def plain(self) -> dict[str, Any]:
        """Returns the column as plain values, without what is empty; `of` reads them."""
        return {name: _listed(value) for name, value in asdict(self).items() if value}

    @classmethod
    def of(cls, described: Column | Mapping[str, Any]) -> Column:
        """Returns the column that `plain` has described, or the given one itself.

        Raises:
            ConfigError: a name or a value is not one that a column has.
        """
        if isinstance(described, Column):
            return described
        for name in described:
            if name not in cls.__dataclass_fields__:
                raise ConfigError(unknown("property of a column", name, cls.__dataclass_fields__))
        if not {"name", "kind"} <= described.keys():
            raise ConfigError(f"a column must have a name and a kind; found {dict(described)}.")
        return cls(**described)


def _listed(value: Any) -> Any:
    """Returns sequences as lists, at every depth, as JSON gives them back."""
    if isinstance(value, list | tuple):
        return [_listed(each) for each in value]
    return value
