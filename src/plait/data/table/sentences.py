"""Cells of text and of lists of words, divided into words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.errors import DataError
from plait.data.table.parse import row_of
from plait.data.words import divided

if TYPE_CHECKING:
    import pandas as pd


def sentences(
    column: pd.Series[Any], kind: str, form: str, absent: Sequence[str] = (), *, source: str = ""
) -> list[list[str]]:
    """Divides the cells of a column into words; an empty or missing cell has none.

    A word that is missing in a list is an empty one.

    Args:
        column: text, or lists of words.
        kind: "text", which is divided by its script, or "tokens", which is a list, or text with a
            separator.
        form: of text "words" or "characters"; of tokens the separator.
        absent: cells that say that a value is missing.
        source: the table, for messages.

    Raises:
        DataError: a cell is neither text nor a list of words.
    """
    import pandas as pd

    missing = set(absent)
    found: list[list[str]] = []
    for place, cell in enumerate(column.tolist()):
        if isinstance(cell, str):
            if cell in missing:
                found.append([])
            elif kind == "text":
                found.append(divided(cell, form))
            else:
                found.append(cell.split() if form == " " else cell.split(form) if cell else [])
        elif isinstance(cell, list | tuple | np.ndarray) and kind == "tokens":
            found.append(["" if _none(word, pd.NA) else str(word) for word in cell])
        elif _none(cell, pd.NA):
            found.append([])
        elif kind == "text" and isinstance(cell, int | float | np.number):
            found.append(divided(str(cell), form))
        else:
            raise DataError(
                f"row {row_of(column, place)}, column {column.name!r}"
                f"{f' of {source}' if source else ''}: a cell of {kind} must be "
                f"{'text' if kind == 'text' else 'a list of words'}; found {cell!r:.80}. Correct "
                "it, or empty it."
            )
    return found


def _none(cell: Any, missing: object) -> bool:
    """Whether a cell, or a word of a list, is missing, as `missing` of pandas is."""
    return cell is None or cell is missing or (isinstance(cell, float) and np.isnan(cell))
