"""Tables of many tasks in one NumPy archive: read with checks, split within each task."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from plait.core.errors import ConfigError, DataError
from plait.core.seeding import derive_seed
from plait.data import Disjoint
from plait.data.files import folder_with

Array = np.ndarray[Any, Any]

SHARES = {"val": 0.15, "test": 0.25}  # of the rows of a stratum; the others are for training
LEAST = 3  # rows of a stratum: one for each split
_MAX_BYTES = 64 * 2**20  # of all arrays, unpacked


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
    arrays = _load(path)
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


def _load(path: Path) -> dict[str, Array]:
    """Returns the three arrays; nothing that is pickled is unpacked."""
    keys = ("x", "y", "task")
    hint = "Is it truncated? Copy it again."
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
            if size > _MAX_BYTES:
                raise DataError(
                    f"{path} must have at most {_MAX_BYTES} bytes when unpacked; it has {size}. "
                    "Is it that file?"
                )
        with np.load(path, allow_pickle=False) as arrays:
            absent = [key for key in keys if key not in arrays.files]
            if absent:
                raise DataError(
                    f"{path} must hold the arrays x, y and task; there is no {', '.join(absent)}. "
                    "Is it that file?"
                )
            return {key: arrays[key] for key in keys}
    except (zipfile.BadZipFile, OSError, ValueError, EOFError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} must be a whole NumPy archive (.npz); {error}. {hint}") from None


def check_values(path: Path | str, key: str, values: Array, valid: Array, rule: str) -> None:
    """Raises `DataError` with the first value that is not valid."""
    if not valid.all():
        place = np.argwhere(~valid)[0]
        where = ", column ".join(map(str, place))
        raise DataError(
            f"`{key}` in {path} must be {rule}; found {values[tuple(place)]} in row {where}. "
            "Is the file damaged?"
        )


def split_rows(strata: Array, names: Sequence[str], *, seed: int) -> dict[str, Array]:
    """Returns the rows of "train", "val" and "test", in order; each stratum is divided alike.

    Of the n rows of a stratum, round(0.25 n) are for the test and round(0.15 n) for validation, at
    least one each. Which ones depends on (seed, name of the stratum, n) alone.

    Args:
        strata: `[N]`, the number of each row's stratum.
        names: of the strata.
        seed: another one gives another division.

    Raises:
        DataError: a stratum has fewer than three rows.
    """
    parts: dict[str, list[Array]] = {"train": [], "val": [], "test": []}
    for stratum, name in enumerate(names):
        rows = np.flatnonzero(strata == stratum)
        if len(rows) < LEAST:
            raise DataError(
                f"training, validation and test each need a row of {name}; found {len(rows)} in "
                "all. Leave this task out of the data."
            )
        generator = torch.Generator().manual_seed(derive_seed(seed, "split", name))
        rows = rows[torch.randperm(len(rows), generator=generator).numpy()]
        ends = np.cumsum([max(1, round(share * len(rows))) for share in SHARES.values()])
        for split, part in zip([*SHARES, "train"], np.split(rows, ends), strict=True):
            parts[split].append(part)
    return {split: np.sort(np.concatenate(each)) for split, each in parts.items()}


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


def tables(
    names: Sequence[str], tasks: Array, inputs: Array, labels: Array, rows: Array
) -> Disjoint:
    """Returns some rows as one table for each task, in single precision.

    Args:
        names: of the tasks.
        tasks: `[N]`, the number of each row's task.
        inputs: `[N, ...]`.
        labels: `[N, ...]`.
        rows: which rows.
    """
    own = {name: rows[tasks[rows] == number] for number, name in enumerate(names)}
    return Disjoint(
        {name: torch.from_numpy(inputs[each]).float() for name, each in own.items()},
        {name: torch.from_numpy(labels[each]).float() for name, each in own.items()},
    )
