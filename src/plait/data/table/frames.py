"""Frames of a user as a file of the same table would be read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from plait.core.errors import DataError
from plait.data.hugging_face import HuggingFaceRows, is_hugging_face
from plait.data.table.names import check_names


def own_frame(frame: Any, source: str = "the frame") -> pd.DataFrame:
    """Returns a user's frame with names that are words, rows from 0 and numpy's types of columns.

    Cells are shared with the user's frame where they need no other type. Rows are counted anew, so
    that a message names the same row whatever the index is: "row 17" is the 17th.

    Args:
        frame: of pandas, or a data set of Hugging Face `datasets`.
        source: the table, for messages.

    Raises:
        DataError: it is no frame of pandas, has no row, a column without a name, or two of one.
    """
    if is_hugging_face(frame):
        frame = HuggingFaceRows(frame).frame()
    if not isinstance(frame, pd.DataFrame):
        hint = "Call its `to_pandas()`." if hasattr(frame, "to_pandas") else "Name its columns."
        raise DataError(
            f"a table must be a file or a pandas.DataFrame; found {type(frame).__name__}. {hint}"
        )
    names = [str(name) for name in frame.columns]
    check_names(names, source)
    if not len(frame):
        raise DataError(f"{source} is empty: there is no row of data in it.")
    plain = frame.set_axis(names, axis=1).set_axis(pd.RangeIndex(len(frame)), axis=0)
    changed = {name: _plain(plain[name]) for name in names if _is_other(plain[name].dtype)}
    return plain.assign(**changed) if changed else plain


def _is_other(kind: Any) -> bool:
    return isinstance(kind, pd.ArrowDtype) or kind == np.float16


def _plain(column: pd.Series[Any]) -> pd.Series[Any]:
    """Returns a column of Arrow as pandas has it, and half precision as numbers that can be added.

    Half precision overflows beyond 65,504, in a sum of its cells too.
    """
    if column.dtype == np.float16:
        return column.astype(np.float32)
    array: Any = column.array.__arrow_array__()
    found: pd.Series[Any] = array.to_pandas().set_axis(column.index).rename(column.name)
    return found
