"""Rows of another frame, encoded as those of a table that is described already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset

from plait.core.columns import Column
from plait.data import InMemory
from plait.data.files import Store
from plait.data.table.described import PLACED, Target
from plait.data.table.described_inputs import Input
from plait.data.table.splits import Division
from plait.recipes._table_examples import Described, TableExamples
from plait.tasks import BaseTask

if TYPE_CHECKING:
    import pandas as pd


class TableRows:
    """Some rows that are read as a table reads its own.

    Args:
        table: what is known of columns and classes.
        frame: the rows.
        source: where they are from, for messages.
    """

    cache = 0.0

    def __init__(self, table: Described, frame: pd.DataFrame, source: str) -> None:
        self.columns: Sequence[Column] = table.columns
        self.inputs: Mapping[str, Input] = table.inputs
        self.targets: Sequence[Target] = table.targets
        self.classes: Mapping[str, Sequence[str]] = table.classes
        self.store: Store = table.store
        self.frame = frame
        self.source = source

    @cached_property
    def labels(self) -> dict[str, Tensor]:
        """`{task: labels}` of the tasks whose labels lie on no input."""
        from plait.data.table.targets import labels_of

        return {
            target.name: labels_of(
                self.frame, target, self.classes[target.name], source=self.source
            )
            for target in self.targets
            if target.kind not in PLACED
        }

    @property
    def division(self) -> Division:
        """All rows, as examples that are shown as they are."""
        none = np.arange(0)
        return Division({"train": none, "val": np.arange(len(self.frame)), "test": none})

    @property
    def rows(self) -> dict[str, Any]:
        """`{split: numbers of its rows}`."""
        return self.division.rows

    def tasks(self) -> Sequence[BaseTask]:
        """None: labels move with no picture."""
        return ()

    def dataset(self) -> Dataset[Any]:
        """Gives the rows with their labels."""
        from plait.data.table.encode import encode

        if not all(column.in_row for column in self.columns):
            return TableExamples(self).splits()["val"]
        return InMemory(encode(self.frame, self.columns, source=self.source), self.labels)
