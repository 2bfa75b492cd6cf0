"""The pupils of School: read with checks, divided, and put on one scale."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from plait.data import Disjoint
from plait.data.tables import Array, check_values, mean_and_scale, table_of_each
from plait.recipes._npz import names_of, read_rows, split_rows

FILE = "school.npz"
COLUMNS, SCHOOLS = 28, 139
PERCENTAGES = [3, 4]  # of a school's pupils; the other columns are 0 or 1, the last one always 1
SCORES = (1, 70)


@dataclass(frozen=True)
class Pupils:
    """The pupils of all schools.

    Attributes:
        names: of the schools.
        mean: of the scores of all training rows.
        scale: their standard deviation.
        splits: `{split: a table for each school}`, inputs `[N, 27]` and scores `[N]`.
    """

    names: list[str]
    mean: float
    scale: float
    splits: dict[str, Disjoint]


def read_pupils(folder: Path, *, split: int) -> Pupils:
    """Reads the archive, divides each school's pupils, and scales the percentages.

    Args:
        folder: holds `school.npz`.
        split: which division of the pupils; any whole number that is not negative.

    Raises:
        DataError: the archive is missing or damaged, or breaks its rules.
        ConfigError: `split` is no whole number, or negative.
    """
    arrays = read_rows(folder, FILE, columns=COLUMNS, most=SCHOOLS)
    _check(folder / FILE, arrays["x"], arrays["y"])
    names = names_of("school", arrays["task"])
    rows = split_rows(arrays["task"], names, split=split)
    inputs, scores = arrays["x"][:, :-1], arrays["y"].astype(np.float64)
    for column in PERCENTAGES:
        mean, scale = mean_and_scale(inputs[rows["train"], column])
        inputs[:, column] = (inputs[:, column] - mean) / scale
    tables = {
        part: table_of_each(names, arrays["task"], inputs, scores, each)
        for part, each in rows.items()
    }
    return Pupils(names, *mean_and_scale(scores[rows["train"]]), tables)


def _check(path: Path, x: Array, y: Array) -> None:
    """Raises `DataError` for values outside their ranges."""
    share = np.isin(np.arange(COLUMNS), PERCENTAGES)
    valid = np.where(share, (x >= 0) & (x <= 100), (x == 0) | (x == 1))
    check_values(path, "x", x, valid, "0 or 1, and 0..100 in columns 3 and 4")
    check_values(path, "x", x[:, -1], x[:, -1] == 1, "1 in the last column")
    low, high = SCORES
    check_values(path, "y", y, (y >= low) & (y <= high), f"{low}..{high}")
