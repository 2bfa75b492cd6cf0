"""Frames to a file of a table, piece by piece; the file is whole or absent."""

from __future__ import annotations

import gzip
import io
import lzma
import os
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from plait.core.errors import DataError
from plait.core.extras import need
from plait.data.table.read import form_of

if TYPE_CHECKING:
    import pandas as pd


def write_table(path: Path, pieces: Iterable[pd.DataFrame]) -> int:
    """Writes frames below each other as one table, and returns the number of rows.

    Args:
        path: its name says the format, as for `plait.data.table.read.read_table`; its folder is
            made if needed.
        pieces: frames of the same columns.

    Raises:
        DataError: the name says no format, or its folder cannot be written to.
        MissingExtraError: Parquet without pyarrow.
    """
    packing, form = form_of(path)
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.touch()
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}. Name another file.") from None
    try:
        with ExitStack() as stack:
            file = _opened(partial, packing, stack)
            if form == "parquet":
                rows = _write_parquet(file, pieces)
            else:
                text = stack.enter_context(io.TextIOWrapper(file, encoding="utf-8", newline=""))
                rows = _write_text(text, pieces, form, "\t" if ".tsv" in path.suffixes else ",")
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return rows


def _opened(path: Path, packing: str, stack: ExitStack) -> IO[bytes]:
    raw: Any = stack.enter_context(path.open("wb"))
    if packing == ".gz":
        raw = stack.enter_context(gzip.GzipFile(fileobj=raw, mode="wb", mtime=0))
    elif packing == ".xz":
        raw = stack.enter_context(lzma.open(raw, "wb"))  # noqa: SIM115 # the stack closes it
    elif packing == ".zst":
        zstandard = need("zstandard", extra="app", purpose="Writing .zst files")
        raw = stack.enter_context(zstandard.ZstdCompressor().stream_writer(raw, closefd=False))
    opened: IO[bytes] = raw
    return opened


def _write_text(file: Any, pieces: Iterable[pd.DataFrame], form: str, separator: str) -> int:
    rows = 0
    for piece in pieces:
        if form == "lines":
            piece.to_json(file, orient="records", lines=True)
        else:
            piece.to_csv(file, sep=separator, index=False, header=not rows)
        rows += len(piece)
    return rows


def _write_parquet(file: Any, pieces: Iterable[pd.DataFrame]) -> int:
    arrow = need("pyarrow", extra="parquet", purpose="Writing Parquet files")
    parquet = need("pyarrow.parquet", extra="parquet", purpose="Writing Parquet files")
    rows, writer = 0, None
    try:
        for piece in pieces:
            table = arrow.Table.from_pandas(piece, preserve_index=False)
            writer = writer or parquet.ParquetWriter(file, table.schema)
            writer.write_table(table)
            rows += len(piece)
    finally:
        if writer is not None:
            writer.close()
    return rows
