"""The inputs of a table's rows: a tensor for columns of a row, readers for files and sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from plait.core.columns import ROW, Column, inputs_of
from plait.data.examples import Reader
from plait.data.files import Store
from plait.data.readers.files import Files
from plait.data.readers.images import Images
from plait.data.readers.sounds import Sounds
from plait.data.readers.texts import Texts
from plait.data.table.encode import encode
from plait.data.table.fit import require
from plait.data.table.parse import row_of
from plait.data.table.sentences import sentences


def readers_of(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    store: Store,
    *,
    source: str = "",
    keep: Iterable[int] = (),
) -> dict[str, Reader]:
    """Returns `{input: reader}` of a table; see `plait.core.columns.inputs_of` for the inputs.

    Args:
        frame: a table with all the columns; others are passed over.
        columns: as the training rows have described them.
        store: the files that cells name.
        source: the table, for messages.
        keep: rows whose decoded pictures are kept in memory; none by default.

    Raises:
        DataError: a column is missing, a cell is not of its kind, or a path leads to no file or out
            of the store.
    """
    require(frame, [column.name for column in columns], source)
    grouped = inputs_of(columns)
    rows = list(keep)
    found: dict[str, Reader] = {}
    for name, own in grouped.items():
        if name == ROW and own[0].in_row:
            found[name] = encode(frame, own, source=source)
            continue
        (column,) = own
        cells = frame[column.name]
        if column.kind in ("text", "tokens"):
            divided = sentences(cells, column.kind, column.form, column.absent, source=source)
            found[name] = Texts(divided, column)
            continue
        files = files_of(cells, store, column.absent, source=source)
        if column.kind == "sound":
            found[name] = Sounds(files, column.rate, column.seconds)
        else:
            height, width = column.size
            found[name] = Images(files, (height, width), column.channels, keep=rows)
    return found


def files_of(
    cells: pd.Series[Any], store: Store, absent: Sequence[str] = (), *, source: str = ""
) -> Files:
    """Returns the files that a column names, after a check that they are there.

    Raises:
        DataError: a path leads to no file, or out of the store.
    """
    missing = {*absent, ""}
    words = cells.astype(object).where(cells.notna(), "").map(str)
    names = ["" if word in missing else word for word in words]
    first = row_of(cells, 0) if len(cells) else 1
    files = Files(store, names, str(cells.name), source, first if isinstance(first, int) else 1)
    files.check()
    return files
