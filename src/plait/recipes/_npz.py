"""Archives of many tasks in one table, as those of School and Landmine: read, divided, named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from plait.core.errors import ConfigError, DataError
from plait.data.files import folder_with, read_npz
from plait.data.splits import split_strata
from plait.data.tables import Array, check_values

SHARES = {"val": 0.15, "test": 0.25}  # of the rows of a stratum; the others are for training


def read_rows(folder: Path | str, name: str, *, columns: int, most: int) -> dict[str, Array]:
    """Reads the arrays of an archive in which every row belongs to one task.

    Args:
        folder: the data folder.
        name: of the archive in it.
        columns: of the inputs.
        most: the number of tasks that there can be.

    Returns:
        `x` `[N, columns]`, float64; `y` and `task`, `[N]`, int64. `task` numbers the tasks from 0,
        without a gap.

    Raises:
        DataError: the archive is missing or damaged, or an array breaks its rule.
    """
    path = folder_with(folder, [name]) / name
    arrays = read_npz(path, ("x", "y", "task"))
    rows = len(arrays["task"]) if arrays["task"].ndim else 0
    kinds = {"x": ("iuf", (rows, columns)), "y": ("iu", (rows,)), "task": ("iu", (rows,))}
    for key, (kind, shape) in kinds.items():
        found = arrays[key]
        if found.dtype.kind not in kind or found.shape != shape or rows == 0:
            numbers = "numbers" if key == "x" else "whole numbers"
            size = f"[N, {columns}]" if key == "x" else "[N]"
            raise DataError(
                f"`{key}` in {path} must be {numbers} {size}, one row for each of N examples; "
                f"found {found.dtype} {list(found.shape)}. Is it that file?"
            )
    check_values(path, "x", arrays["x"], np.isfinite(arrays["x"]), "finite")
    tasks = arrays["task"].astype(np.int64)
    check_values(path, "task", tasks, (tasks >= 0) & (tasks < most), f"0..{most - 1}")
    absent = np.setdiff1d(np.arange(tasks.max() + 1), tasks)
    if len(absent):
        raise DataError(
            f"`task` in {path} must number the tasks from 0 without a gap; there is no row of "
            f"{absent[0]}. Number them anew."
        )
    return {"x": arrays["x"].astype(np.float64), "y": arrays["y"].astype(np.int64), "task": tasks}


def split_rows(strata: Array, names: Sequence[str], *, split: int) -> dict[str, Array]:
    """Divides each stratum's rows: 60 % for training, 15 % for validation, 25 % for the test.

    Args:
        strata: `[N]`, the number of each row's stratum.
        names: of the strata, by their number.
        split: which division; any whole number that is not negative.

    Returns:
        `{"train": rows, "val": rows, "test": rows}`, ascending.

    Raises:
        ConfigError: `split` is no whole number, or negative.
        DataError: a stratum has fewer than three rows.
    """
    check_split(split)
    return split_strata(strata, names, SHARES, seed=split)


def check_split(split: int) -> None:
    """Raises `ConfigError` for a seed that is no whole number, or negative."""
    if isinstance(split, bool) or not isinstance(split, int) or split < 0:
        raise ConfigError(
            f"`split` must be a whole number, not negative; found {split!r}. "
            "Each number gives another division of the rows."
        )


def names_of(kind: str, tasks: Array) -> list[str]:
    """Returns a name for each task, in order, such as ``school-007``.

    Example:
        >>> names_of("field", np.array([0, 1, 1, 2]))
        ['field-00', 'field-01', 'field-02']
    """
    count = int(tasks.max()) + 1
    width = max(2, len(str(count - 1)))
    return [f"{kind}-{task:0{width}}" for task in range(count)]
