"""Rows of a table as the vectors that an encoder of tables reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from plait.core.columns import FIRST, MISSING, UNSEEN, Column
from plait.data.table import parse
from plait.data.table.fit import Array, numbers_of, require

BLOCK = 16_384  # rows
FINEST = 1e-3  # of a number's scale, that float32 has to resolve


def encode(frame: pd.DataFrame, columns: Sequence[Column], *, source: str = "") -> Tensor:
    """Returns rows of inputs, `[N, F]`: codes of categories, and numbers with NaN where missing.

    They are float32, or float64 if a number is so far from 0 that float32 would lose it.

    Args:
        frame: a table with all the columns; others are passed over.
        columns: what the training rows said of them, in the order of the entries.
        source: the table, for messages.

    Raises:
        DataError: a column is missing, or a cell is not of its kind.
    """
    return _rows(_entries(frame, columns, source), None, columns, len(frame))


def encode_splits(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    splits: Mapping[str, Array],
    *,
    source: str = "",
) -> dict[str, Tensor]:
    """Returns `{split: rows [N, F]}` as `encode` does, with each column read once for all of them.

    Args:
        frame: as in `encode`.
        columns: as in `encode`.
        splits: `{split: numbers of its rows}`.
        source: as in `encode`.

    Raises:
        DataError: as `encode`.
    """
    entries = _entries(frame, columns, source)
    return {split: _rows(entries, rows, columns, len(rows)) for split, rows in splits.items()}


def _entries(frame: pd.DataFrame, columns: Sequence[Column], source: str) -> list[Array]:
    """Returns the codes `[N]` or numbers `[N, K]` of each column."""
    require(frame, [column.name for column in columns], source)
    found = []
    for column in columns:
        cells = frame[column.name]
        if column.kind == "category":
            codes, words = parse.words(cells, column.absent, source=source)
            found.append(_known(words, column.values)[codes])
        else:
            found.append(numbers_of(cells, column, source=source))
    return found


def _rows(
    entries: Sequence[Array], chosen: Array | None, columns: Sequence[Column], count: int
) -> Tensor:
    """Joins the entries of some rows, block by block: a block stays in the processor's cache."""
    width = sum(column.entries for column in columns)
    rows = np.empty((count, width), dtype=np.float64 if is_wide(columns) else np.float32)
    for start in range(0, count, BLOCK):
        part, place = slice(start, start + BLOCK), 0
        block = rows[part]
        own = part if chosen is None else chosen[part]
        for each, column in zip(entries, columns, strict=True):
            block[:, place : place + column.entries] = each[own].reshape(len(block), -1)
            place += column.entries
    return torch.from_numpy(rows)


def is_wide(columns: Sequence[Column]) -> bool:
    """Whether a number needs float64: its scale is small against its distance from 0."""
    return any(
        abs(center) * torch.finfo(torch.float32).eps > FINEST * scale
        for column in columns
        for center, scale in zip(column.center, column.scale, strict=True)
    )


def _known(words: Sequence[str], values: Sequence[str]) -> Array:
    """Returns the code of each word, and at the end that of a missing one."""
    codes = {word: code for code, word in enumerate(values, start=FIRST)}
    return np.array([*(codes.get(word, UNSEEN) for word in words), MISSING])
