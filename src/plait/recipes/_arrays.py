"""Archives of NumPy that hold a table, as those of Tox21 and Sarcos: read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from plait.core.errors import DataError
from plait.data.files import read_npz
from plait.data.tables import Array, check_values

SPLITS = np.array(["train", "val", "test"], dtype=object)


def read_arrays(path: Path, columns: Mapping[str, int | None]) -> dict[str, Array]:
    """Reads arrays of numbers with one row for each example.

    Args:
        path: the archive.
        columns: `{name: columns of the array}`; None for one number a row.

    Raises:
        DataError: the archive is missing or damaged, or an array is no table of numbers of that
            size.
    """
    arrays = read_npz(path, list(columns))
    rows = max((each.shape[0] for each in arrays.values() if each.ndim), default=0)
    for name, width in columns.items():
        shape = (rows,) if width is None else (rows, width)
        found = arrays[name]
        if rows == 0 or found.shape != shape or found.dtype.kind not in "iuf":
            size = "[N]" if width is None else f"[N, {width}]"
            raise DataError(
                f"`{name}` in {path} must be numbers {size}, one row for each of N examples; found "
                f"{found.dtype} {list(found.shape)}. Is it that file?"
            )
    return arrays


def split_words(path: Path, split: Array) -> Array:
    """Returns the words of a split that is written as 0 (train), 1 (val) and 2 (test)."""
    numbers = split.astype(np.int64)
    check_values(path, "split", numbers, (numbers >= 0) & (numbers < len(SPLITS)), "0, 1 or 2")
    words: Array = SPLITS[numbers]
    return words
