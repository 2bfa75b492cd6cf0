"""Inputs of a table's examples as a page shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.columns import ROW, Column, inputs_of
from plait.data.images import pixels
from plait.data.shown import Picture, Row, Sentence, Shown, Sound

if TYPE_CHECKING:
    import pandas as pd

NOTHING = "–"  # in place of a missing value


def shown_inputs(columns: Sequence[Column], row: pd.DataFrame, inputs: Any) -> list[Shown]:
    """Returns the inputs of an example as a page shows them, in their order.

    Pictures and sounds are what the model reads; sentences the words as they were written, up to
    the longest that the model reads; numbers and categories as they are in the table.

    Args:
        columns: of inputs.
        row: the table's row alone, as a table.
        inputs: of its example; see `plait.core.columns.inputs_of`.
    """
    grouped = inputs_of(columns)
    found: list[Shown] = []
    for name, own in grouped.items():
        if name == ROW and own[0].in_row:
            cells = {column.name: row[column.name].iloc[0] for column in own}
            found.append(Row({each: _text(cell) for each, cell in cells.items()}))
        else:
            found.append(_shown(own[0], row, inputs if len(grouped) == 1 else inputs[name]))
    return found


def _shown(column: Column, row: pd.DataFrame, value: Any) -> Shown:
    """Returns the picture, the sound or the sentence of a column."""
    if column.kind == "image":
        return Picture(pixels(value), name=column.name)
    if column.kind == "sound":
        return Sound(value.values[value.mask].numpy(), column.rate, name=column.name)
    from plait.data.table.sentences import sentences

    (words,) = sentences(row[column.name], column.kind, column.form, column.absent)
    cell = row[column.name].iloc[0]
    text = cell if column.kind == "text" and isinstance(cell, str) else ""
    return Sentence(words[: column.length or None] or [""], text=text, name=column.name)


def _text(cell: Any) -> str:
    """Writes a cell; numbers with six digits."""
    if isinstance(cell, list | tuple | np.ndarray):
        return ", ".join(map(_text, cell))
    import pandas as pd

    if pd.isna(cell):
        return NOTHING
    return f"{cell:.6g}" if isinstance(cell, float | np.floating) else str(cell)
