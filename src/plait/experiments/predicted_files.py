"""Predictions that are pictures: in the size of what they lie on, and in files beside a table."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.errors import ConfigError
from plait.core.extras import need
from plait.data.images import decoder
from plait.data.masks import mask_png

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, Any]


def of_own_size(frame: pd.DataFrame, sizes: Sequence[tuple[int, int]]) -> pd.DataFrame:
    """Returns predictions with masks and maps in the size of their pictures, nearest.

    Args:
        frame: as `plait.experiments.predicted.predicted_columns` gives it.
        sizes: width and height of each row's picture; empty without pictures.
    """
    for name in _arrays_in(frame) if sizes else []:
        resized = [_resized(each, size) for each, size in zip(frame[name], sizes, strict=True)]
        frame[name] = _cells(resized, frame)
    return frame


class PredictedFiles:
    """Writes masks and maps into a folder beside a table of predictions; it is whole or absent.

    Args:
        table: the file of predictions, `out.csv`; the folder is `out_files`.

    Raises:
        ConfigError: the folder is there already; two tasks would have one folder in it.
    """

    def __init__(self, table: Path) -> None:
        self.folder = table.parent / f"{table.name.partition('.')[0]}_files"
        self._partial = self.folder.with_name(self.folder.name + ".partial")
        self._tasks: dict[str, str] = {}  # by the names of their folders
        self._rows = 0

    def __enter__(self) -> PredictedFiles:
        shutil.rmtree(self._partial, ignore_errors=True)  # of a process that was killed
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            shutil.rmtree(self._partial, ignore_errors=True)
        elif self._partial.is_dir():
            os.replace(self._partial, self.folder)

    def written(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Writes the arrays of some rows, and returns the rows with paths in their place."""
        for name in _arrays_in(frame):
            self._begin(name)
            cells = enumerate(frame[name].tolist(), start=self._rows)
            frame[name] = _cells([self._write(name, row, each) for row, each in cells], frame)
        self._rows += len(frame)
        return frame

    def _begin(self, task: str) -> None:
        if self.folder.exists():
            raise ConfigError(
                f"{self.folder} is there already, with files of other predictions. Remove it, or "
                "name another file with --out."
            )
        other = self._tasks.setdefault(_folder(task), task)
        if other != task:
            raise ConfigError(
                f"tasks {other!r} and {task!r} cannot both be written: the folder of each would be "
                f"{_folder(task)}. Ask for one of the two with --tasks."
            )
        (self._partial / _folder(task)).mkdir(parents=True, exist_ok=True)

    def _write(self, task: str, row: int, array: Array) -> str:
        mask = array.ndim == 2
        name = f"{_folder(task)}/{row + 1:06}.{'png' if mask else 'npy'}"
        if mask:
            (self._partial / name).write_bytes(mask_png(array))
        else:
            np.save(self._partial / name, array, allow_pickle=False)
        return f"{self.folder.name}/{name}"


def _arrays_in(frame: pd.DataFrame) -> list[str]:
    """Returns the columns whose cells are masks or maps."""
    names = list(map(str, frame)) if len(frame) else []
    return [name for name in names if isinstance(frame[name].iloc[0], np.ndarray)]


def _cells(values: Sequence[Any], frame: pd.DataFrame) -> pd.Series[Any]:
    """Returns objects as a column of a frame."""
    pandas = need("pandas", extra="app", purpose="A table of predictions")
    column: pd.Series[Any] = pandas.Series(values, index=frame.index, dtype=object)
    return column


def _folder(task: str) -> str:
    """Returns a task's name as that of a folder."""
    return re.sub(r"[^\w .-]|^\.+", "_", task)


def _resized(array: Array, size: tuple[int, int]) -> Array:
    """Resizes a mask `[H, W]` or a map `[K, H, W]`, nearest."""
    pillow = decoder()
    layers = array if array.ndim == 3 else array[None]
    found = np.stack(
        [
            np.asarray(pillow.fromarray(layer).resize(size, pillow.Resampling.NEAREST))
            for layer in layers
        ]
    )
    return found if array.ndim == 3 else found[0]
