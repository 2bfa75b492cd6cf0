"""Inputs of a table's examples as a page shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from torch import Tensor

from plait.core.columns import ROW, Column, inputs_of
from plait.core.structure import Masked
from plait.data.examples import Reader
from plait.data.images import normalised, pixels
from plait.data.readers import Texts
from plait.data.shown import Picture, Row, Sentence, Shown, Sound

MOST_VALUES = 12  # of a row that are shown


def shown_inputs(
    columns: Sequence[Column], readers: Mapping[str, Reader], frame: pd.DataFrame, row: int
) -> list[Shown]:
    """Returns the inputs of a row as a page shows them, in their order.

    Sentences are the words as they were written, up to the longest that the model reads; of numbers
    and categories up to 12 columns are shown.

    Args:
        columns: of inputs.
        readers: `{input: reader}` of all rows.
        frame: the table.
        row: its number, from 0.
    """
    found: list[Shown] = []
    for name, own in inputs_of(columns).items():
        if name == ROW and own[0].in_row:
            found.append(row_of_values(frame, [column.name for column in own], row))
            continue
        (column,) = own
        reader = readers[name]
        if isinstance(reader, Texts):
            words = list(reader.sentences[row][: column.length or None]) or [""]
            cell = frame[column.name].iloc[row]
            text = cell if column.kind == "text" and isinstance(cell, str) else ""
            found.append(Sentence(words, text=text, name=column.name))
            continue
        value: Any = reader[row]
        if isinstance(value, Masked):
            found.append(Sound(value.values.numpy(), column.rate, name=column.name))
        elif isinstance(value, Tensor):
            found.append(Picture(pixels(normalised(value)), name=column.name))
    return found


def row_of_values(frame: pd.DataFrame, names: Sequence[str], row: int) -> Row:
    """Returns up to 12 values of a row as text; a missing one is empty."""
    cells = frame[list(names[:MOST_VALUES])].iloc[row]
    there = cells.notna()
    return Row({str(name): str(cells[name]) if there[name] else "" for name in cells.index})
