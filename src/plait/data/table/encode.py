"""Rows of a table as the vectors that an encoder of tables reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from plait.core.columns import FIRST, MISSING, UNSEEN, Column
from plait.data.table import parse
from plait.data.table.fit import numbers_of, require

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
    require(frame, [column.name for column in columns], source)
    width = sum(column.entries for column in columns)
    # Entry by entry and then turned: writing every 20th number takes twice as long
    entries = np.empty((width, len(frame)), dtype=np.float64 if is_wide(columns) else np.float32)
    place = 0
    for column in columns:
        cells = frame[column.name]
        if column.kind == "category":
            codes, words = parse.words(cells, column.absent, source=source)
            entries[place] = _known(words, column.values)[codes]
        else:
            numbers = numbers_of(cells, column, source=source)
            entries[place : place + column.entries] = numbers.T
        place += column.entries
    return torch.from_numpy(np.ascontiguousarray(entries.T))


def is_wide(columns: Sequence[Column]) -> bool:
    """Whether a number needs float64: its scale is small against its distance from 0."""
    return any(
        abs(center) * torch.finfo(torch.float32).eps > FINEST * scale
        for column in columns
        for center, scale in zip(column.center, column.scale, strict=True)
    )


def _known(words: Sequence[str], values: Sequence[str]) -> parse.Array:
    """Returns the code of each word, and at the end that of a missing one."""
    codes = {word: code for code, word in enumerate(values, start=FIRST)}
    return np.array([*(codes.get(word, UNSEEN) for word in words), MISSING])
