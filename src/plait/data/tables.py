"""Tables of numbers: values checked, rows divided into a table for each task."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from plait.core.errors import DataError
from plait.data.disjoint import Disjoint

Array = np.ndarray[Any, Any]


def check_values(path: Path | str, key: str, values: Array, valid: Array, rule: str) -> None:
    """Raises `DataError` with the first value that breaks its rule.

    Args:
        path: the file, for the message.
        key: the name of the array in it, for the message.
        values: `[N]` or `[N, K]`.
        valid: bool, in the same shape: which values keep the rule.
        rule: what values must be, for the message, such as "0 or 1".
    """
    if not valid.all():
        place = np.argwhere(~valid)[0]
        where = ", column ".join(map(str, place))
        raise DataError(
            f"`{key}` in {path} must be {rule}; found {values[tuple(place)]} in row {where}. "
            "Is the file damaged?"
        )


def mean_and_scale(values: Array) -> tuple[float, float]:
    """Returns mean and standard deviation; 1 in place of a deviation of 0."""
    return float(values.mean()), float(values.std()) or 1.0


def table_of_each(
    names: Sequence[str], tasks: Array, inputs: Array, labels: Array, rows: Array
) -> Disjoint:
    """Divides rows into one table for each task, in single precision.

    Args:
        names: of the tasks, by their number.
        tasks: `[N]`, the number of each row's task.
        inputs: `[N, ...]`.
        labels: `[N, ...]`.
        rows: which rows are wanted, ascending.
    """
    own = {name: rows[tasks[rows] == number] for number, name in enumerate(names)}
    return Disjoint(
        {name: torch.from_numpy(inputs[each]).float() for name, each in own.items()},
        {name: torch.from_numpy(labels[each]).float() for name, each in own.items()},
    )
