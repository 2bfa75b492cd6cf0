"""Tables that are read by groups of rows, as Parquet files are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pandas as pd


class RowGroups(Protocol):
    """A table whose rows come in groups, any of which can be read alone.

    `plait.data.table.parquet.ParquetFiles` is one.
    """

    @property
    def name(self) -> str:
        """The name of the table, for messages."""

    @property
    def columns(self) -> Sequence[str]:
        """The names of its columns."""

    @property
    def sizes(self) -> Sequence[int]:
        """The number of rows of each group."""

    @property
    def bytes_per_row(self) -> float:
        """The bytes of a row in memory, about."""

    def place(self, group: int) -> str:
        """Returns the file of a group, or what it is in, for messages."""

    def frames(self, group: int, columns: Sequence[str], rows: int) -> Iterator[pd.DataFrame]:
        """Yields some columns of a group in frames of so many rows; the last may have fewer."""
