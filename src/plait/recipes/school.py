"""School: 139 regressions of exam scores, one for each school."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from torch import nn
from torch.utils.data import Dataset

from plait.encoders import MLPEncoder
from plait.recipes._pupils import COLUMNS, read_pupils
from plait.recipes.base import Recipe
from plait.tasks import BaseTask, Regression


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
        pooled: whether all pupils are one table, in which each has a label of its own school's task
            alone; by default each school has a table of its own. A shared network reads a pooled
            batch at once, and needs one backward pass for the gradients of all tasks.

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

    def __init__(
        self, *, data: Path, split: int = 0, hidden: Sequence[int] = (), pooled: bool = False
    ) -> None:
        self.split = split
        self.hidden = tuple(hidden)
        self.pooled = pooled
        self.pupils = read_pupils(Path(data), split=split)

    def tasks(self) -> list[BaseTask]:
        """Makes one regression for each school, with errors in units of all scores' deviation."""
        mean, scale = self.pupils.mean, self.pupils.scale
        return [Regression(name, mean=mean, scale=scale) for name in self.pupils.names]

    def encoder(self) -> nn.Module:
        """Makes the blocks of `hidden` units; without any, a network that returns its inputs."""
        return MLPEncoder(in_features=COLUMNS - 1, widths=self.hidden)

    def splits(self) -> Mapping[str, Dataset[Any]]:
        """Gives the tables, one for each school unless pooled: inputs `[N, 27]`, scores `[N]`."""
        splits = self.pupils.splits
        return {p: each.pooled() for p, each in splits.items()} if self.pooled else splits
