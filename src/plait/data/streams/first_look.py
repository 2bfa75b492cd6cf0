"""A first look at a table: the whole of it, or a sample where it is too large to be held."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from plait.data.streams.row_groups import RowGroups, row_groups_of
from plait.data.streams.sample import BYTES, ROWS, sample
from plait.data.streams.table_stream import rows_at_once
from plait.data.table.counted import Progress
from plait.data.table.parquet import ParquetFiles, is_parquet
from plait.data.table.read import read_table

if TYPE_CHECKING:
    import pandas as pd

LARGE = 2 * 2**30  # bytes, unpacked, above which a table is streamed unless its user says otherwise


def first_look(path: Path, *, progress: Progress | None = None) -> tuple[pd.DataFrame, int | None]:
    """Reads a table to look at its columns; of Parquet with over 2 GiB unpacked, a sample alone.

    Args:
        path: a file, or a folder of Parquet files, as for `read_table`.
        progress: as for `read_table`.

    Returns:
        A frame; and if it is a sample the number of all rows, else None.

    Raises:
        DataError: as `read_table`.
    """
    if is_parquet(path):
        files = ParquetFiles(path)
        if files.rows * files.bytes_per_row > LARGE:
            return _sample(files), files.rows
    return read_table(path, progress=progress), None


def some_rows(table: Any) -> pd.DataFrame:
    """Reads some rows of a table that is to be streamed, from all over it.

    Args:
        table: as for `row_groups_of`.

    Raises:
        ConfigError: as `row_groups_of`.
        DataError: likewise.
    """
    return _sample(row_groups_of(table))


def _sample(table: RowGroups) -> pd.DataFrame:
    rows = max(1, min(ROWS, int(BYTES / table.bytes_per_row)))
    return sample(table, table.columns, None, rows=rows, at_once=rows_at_once(table))
