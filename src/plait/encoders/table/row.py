"""The entries of a row of a table: which are numbers, which are codes of categories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from plait.core.columns import Column
from plait.core.errors import ConfigError, ShapeError


@dataclass(frozen=True)
class Number:
    """One number of a row.

    Attributes:
        entry: its place in the row.
        center, scale, missing, edges: as in `Column`.
    """

    entry: int
    center: float
    scale: float
    missing: float
    edges: Sequence[float]

    @property
    def varies(self) -> bool:
        """Whether the training rows had different values; else nothing can be learned of it."""
        return len(self.edges) > 1


@dataclass(frozen=True)
class Category:
    """One category of a row.

    Attributes:
        entry: its place in the row.
        codes: how many codes it has, those of missing and unseen values included.
    """

    entry: int
    codes: int


@dataclass(frozen=True)
class Row:
    """The entries of a row `[F]`.

    Attributes:
        entries: F.
        numbers: all numbers of the row, in order.
        categories: all categories of the row, in order.
    """

    entries: int
    numbers: tuple[Number, ...]
    categories: tuple[Category, ...]

    @classmethod
    def of(cls, columns: Iterable[Column | Mapping[str, Any]]) -> Row:
        """Lays out columns one after the other.

        Raises:
            ConfigError: there is no column, one is a picture, a sound or a sentence, or a scale is
                not a positive number.
        """
        numbers: list[Number] = []
        categories: list[Category] = []
        entry = 0
        for column in map(Column.of, columns):
            if not column.in_row:
                raise ConfigError(
                    f"an encoder of rows reads numbers and categories; column {column.name!r} is "
                    f"of kind {column.kind}. Take {{class: Fused}}, which has an encoder for each "
                    "input."
                )
            if column.kind == "category":
                categories.append(Category(entry, column.codes))
            facts = zip(column.center, column.scale, column.missing, column.edges, strict=True)
            for place, each in enumerate(facts):
                numbers.append(Number(entry + place, *each))
                _check(column.name, numbers[-1])
            entry += column.entries
        if not entry:
            raise ConfigError("an encoder of a table must have at least one column; found none.")
        return cls(entry, tuple(numbers), tuple(categories))

    def check(self, rows: Tensor) -> None:
        """Raises `ShapeError` for rows that are not `[B, F]`."""
        if rows.dim() != 2 or rows.shape[1] != self.entries:
            raise ShapeError(
                f"rows of the table must be [B, {self.entries}], an entry for each category and "
                f"each number of its columns; found {list(rows.shape)}. Are these the columns that "
                "the encoder was made for?"
            )


def _check(name: str, number: Number) -> None:
    """Raises `ConfigError` for a scale or a center that float32 cannot hold."""
    if number.varies and not (1e-35 < number.scale < 1e35 and abs(number.center) < 1e35):
        raise ConfigError(
            f"column {name!r} must have a scale from 1e-35 to 1e35, and a center below 1e35; found "
            f"{number.scale:g} and {number.center:g}. Give the column in another unit."
        )
