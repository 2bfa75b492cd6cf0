"""Tables that are read by groups of rows, as Parquet files are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from plait.core.errors import ConfigError
from plait.data.hugging_face import HuggingFaceRows, is_hugging_face
from plait.data.table.parquet import ParquetFiles, is_parquet

if TYPE_CHECKING:
    import pandas as pd


class RowGroups(Protocol):
    """A table whose rows come in groups, any of which can be read alone.

    `plait.data.table.parquet.ParquetFiles` is one, and `plait.data.hugging_face.HuggingFaceRows`.
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


def row_groups_of(table: Any) -> RowGroups:
    """Opens a table that is to be streamed.

    Args:
        table: a Parquet file, a folder of them, or a data set of Hugging Face `datasets`.

    Raises:
        ConfigError: it is none of these.
        DataError: as `ParquetFiles` or `HuggingFaceRows`.
    """
    if is_hugging_face(table):
        return HuggingFaceRows(table)
    other = not isinstance(table, str | Path)
    if other or (Path(table).is_file() and not is_parquet(Path(table))):
        found = f"a {type(table).__name__}, which is in memory" if other else table
        raise ConfigError(
            f"`stream` reads Parquet files and data sets of Hugging Face; found {found}. Write the "
            "table as Parquet, or leave `stream` out if it fits into memory."
        )
    return ParquetFiles(table)
