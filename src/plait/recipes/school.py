"""School: 139 regressions of exam scores, one for each school."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from torch import nn
from torch.utils.data import Dataset

from plait.data.tables import Array, check_values, mean_and_scale, table_of_each
from plait.encoders import MLPEncoder
from plait.recipes._npz import names_of, read_rows, split_rows
from plait.recipes.base import Recipe
from plait.tasks import BaseTask, Regression

COLUMNS, SCHOOLS = 28, 139
PERCENTAGES = [3, 4]  # of a school's pupils; the other columns are 0 or 1, the last one always 1
SCORES = (1, 70)


class School(Recipe):
    """Exam scores of pupils of 139 schools in London: one regression for each school.

    Every pupil belongs to one school. An input has 27 numbers: 25 indicators (year, gender, band in
    a test of verbal reasoning, ethnic group, gender and denomination of the school) and two
    percentages of the school's pupils (with free meals; in the first band). The constant column of
    the file is left out, since a head has a bias. Percentages and scores are put on the scale of
    all training rows: mean 0, standard deviation 1. Metrics are in points of the exam.

    Each school's pupils are divided into 60 % for training, 15 % for validation and 25 % for the
    test. By default each task is a linear model: `MLPEncoder` without a block.

    Args:
        data: the folder with `school.npz`.
        split: which division of the pupils; any whole number that is not negative, 0 by default.
        hidden: units of the encoder's blocks; none by default.

    Raises:
        DataError: the archive is missing or damaged, or breaks its rules.
        ConfigError: `split` is no whole number, or negative.

    Reference (as a multi-task problem): Bakker, Heskes, "Task Clustering and Gating for Bayesian
        Multitask Learning", JMLR 2003.
    """

    needs_data = True
    defaults: ClassVar[Mapping[str, Any]] = {
        "epochs": 20,
        "batch_size": 1024,
        "sharing": {"class": "Separate"},
        "optimizer": {"class": "AdamW", "lr": 2e-2, "weight_decay": 0.0},
    }

    def __init__(self, *, data: Path, split: int = 0, hidden: Sequence[int] = ()) -> None:
        arrays = read_rows(data, "school.npz", columns=COLUMNS, most=SCHOOLS)
        self.split = split
        self.hidden = tuple(hidden)
        self.names = names_of("school", arrays["task"])
        self._task, self._scores = arrays["task"], arrays["y"].astype(np.float64)
        _check(data, arrays["x"], arrays["y"])
        self._rows = split_rows(self._task, self.names, split=split)
        train = self._rows["train"]
        self._mean, self._scale = mean_and_scale(self._scores[train])
        self._inputs = arrays["x"][:, :-1]
        for column in PERCENTAGES:
            mean, scale = mean_and_scale(self._inputs[train, column])
            self._inputs[:, column] = (self._inputs[:, column] - mean) / scale

    def tasks(self) -> list[BaseTask]:
        """Makes one regression for each school, with errors in units of all scores' deviation."""
        return [Regression(name, mean=self._mean, scale=self._scale) for name in self.names]

    def encoder(self) -> nn.Module:
        """Makes the blocks of `hidden` units; without any, a network that returns its inputs."""
        return MLPEncoder(in_features=COLUMNS - 1, widths=self.hidden)

    def splits(self) -> Mapping[str, Dataset[Any]]:
        """Gives the pupils of each school, a table for each: inputs `[N, 27]`, scores `[N]`."""
        return {
            split: table_of_each(self.names, self._task, self._inputs, self._scores, rows)
            for split, rows in self._rows.items()
        }


def _check(folder: Path | str, x: Array, y: Array) -> None:
    """Raises `DataError` for values outside their ranges."""
    path = Path(folder) / "school.npz"
    share = np.isin(np.arange(COLUMNS), PERCENTAGES)
    valid = np.where(share, (x >= 0) & (x <= 100), (x == 0) | (x == 1))
    check_values(path, "x", x, valid, "0 or 1, and 0..100 in columns 3 and 4")
    check_values(path, "x", x[:, -1], x[:, -1] == 1, "1 in the last column")
    low, high = SCORES
    check_values(path, "y", y, (y >= low) & (y <= high), f"{low}..{high}")
