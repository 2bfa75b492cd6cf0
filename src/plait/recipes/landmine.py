"""Landmine: rare mines in 29 fields, one yes-or-no label for each field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from torch import nn
from torch.utils.data import Dataset

from plait.encoders import MLPEncoder
from plait.recipes._fields import COLUMNS, read_fields
from plait.recipes.base import Recipe
from plait.tasks import BaseTask, Binary


class Landmine(Recipe):
    """Mines found by radar in 29 fields: one yes-or-no label for each field, 6 % of them yes.

    Every place belongs to one field. An input has nine features of a radar image, as they are in
    the file. The main metric is the area under the ROC curve.

    Each field's places with a mine, and those without, are divided into 60 % for training, 15 % for
    validation and 25 % for the test: every split of every field has both, or else the area would
    not be defined. By default each task is a linear model: `MLPEncoder` without a block.

    Args:
        data: the folder with `landmine.npz`.
        split: which division of the places; any whole number that is not negative, 0 by default.
        hidden: units of the encoder's blocks; none by default.
        pooled: whether all places are one table, in which each has a label of its own field's task
            alone; by default each field has a table of its own. A shared network reads a pooled
            batch at once, and needs one backward pass for the gradients of all tasks.

    Raises:
        DataError: the archive is missing or damaged, or breaks its rules; a field has fewer than
            three places with a mine, or without.
        ConfigError: `split` is no whole number, or negative.

    Reference: Xue, Liao, Carin, Krishnapuram, "Multi-Task Learning for Classification with
        Dirichlet Process Priors", JMLR 2007.
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
        self.fields = read_fields(Path(data), split=split)

    def tasks(self) -> list[BaseTask]:
        """Makes one task of one yes-or-no label for each field."""
        return [Binary(name, names=("clear", "mine")) for name in self.fields.names]

    def encoder(self) -> nn.Module:
        """Makes the blocks of `hidden` units; without any, a network that returns its inputs."""
        return MLPEncoder(in_features=COLUMNS, widths=self.hidden)

    def splits(self) -> Mapping[str, Dataset[Any]]:
        """Gives the tables, one for each field unless pooled: inputs `[N, 9]`, labels `[N, 1]`."""
        splits = self.fields.splits
        return {p: each.pooled() for p, each in splits.items()} if self.pooled else splits
