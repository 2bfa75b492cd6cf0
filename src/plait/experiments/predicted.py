"""Predictions as the columns of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.errors import ConfigError
from plait.core.extras import need
from plait.tasks import Prediction

if TYPE_CHECKING:
    import pandas as pd


def predicted_columns(
    found: Mapping[str, Prediction], index: Any = None, *, words: Sequence[int] = ()
) -> pd.DataFrame:
    """Returns the predictions of several tasks for the same rows as a frame.

    Args:
        found: `{task: prediction}`.
        index: of the rows, as the frame that was predicted has it; numbers from 0 by default.
        words: the number of words of each row, which has as many tags; a sentence without a word is
            read as one that is missing, and has no tag.

    Returns:
        For each task a column of its name: the class, the number, yes or no by their names, or the
        labels that hold, joined by ";". After it the probabilities: `TASK=CLASS` for each class or
        label; of a survival `TASK>TIME`, the chance that the event comes later. Several numbers of
        one task are `TASK[0]`, `TASK[1]`, ... Tags of tokens are joined by spaces; masks are arrays
        of class numbers `[H, W]`, and maps of numbers `[K, H, W]`.
    """
    pandas = need("pandas", extra="app", purpose="A table of predictions")
    columns: dict[str, Any] = {}
    for task, prediction in found.items():
        own = _columns(task, prediction, words)
        twice = next((name for name in own if name in columns), None)
        if twice is not None:
            raise ConfigError(
                f"two tasks have a column {twice!r} in their predictions, one of them {task!r}. "
                "Ask for one of the two."
            )
        columns |= own
    frame: pd.DataFrame = pandas.DataFrame(columns, index=index)
    return frame


def _columns(task: str, prediction: Prediction, words: Sequence[int]) -> dict[str, Any]:
    value = prediction.value.numpy()
    if value.ndim >= 3:  # masks and maps
        return {task: [row.astype(np.uint8) if value.dtype.kind == "i" else row for row in value]}
    if value.dtype.kind == "i" and value.ndim == 2:
        tags = [[str(tag) for tag in row if tag is not None] for row in prediction.named()]
        counts = words or [len(row) for row in tags]
        return {task: [" ".join(row[:count]) for row, count in zip(tags, counts, strict=True)]}
    if prediction.probabilities is None:
        rows = value.reshape(len(value), -1)
        if rows.shape[1] == 1:
            return {task: rows[:, 0]}
        return {f"{task}[{k}]": rows[:, k] for k in range(rows.shape[1])}
    shares = prediction.probabilities.numpy()
    names = prediction.names or [str(number) for number in range(shares.shape[1])]
    if value.dtype.kind == "f":
        chances = {f"{task}>{name}": shares[:, k] for k, name in enumerate(names)}
        return {task: value[:, 0]} | chances
    if value.dtype == bool:
        # Rows of the same labels are written once: they are few, and the rows may be millions
        packed, value = np.unique(np.packbits(value, axis=1), axis=0, return_inverse=True)
        rows = np.unpackbits(packed, axis=1, count=len(names)).astype(bool)
        texts = [";".join(n for n, on in zip(names, row, strict=True) if on) for row in rows]
    else:
        texts = list(map(str, names))
    pandas = need("pandas", extra="app", purpose="A table of predictions")
    chosen = pandas.Series(texts).array.take(value.reshape(-1))
    return {task: chosen} | {f"{task}={name}": shares[:, k] for k, name in enumerate(names)}
