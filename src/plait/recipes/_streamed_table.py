"""A table larger than memory as a problem: rows are read while the network trains on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from torch.utils.data import Dataset

from plait.core.errors import ConfigError
from plait.data import InMemory
from plait.data.shown import Shown
from plait.data.streams.row_groups import RowGroups, row_groups_of
from plait.data.streams.row_splits import RowSplits, row_splits
from plait.data.streams.sample import BYTES, ROWS, classes_in, sample
from plait.data.streams.table_stream import TableStream, rows_at_once
from plait.data.table.media import ImageOptions
from plait.recipes.table import Table
from plait.tasks import BaseTask
from plait.tasks.labels import WithUnit

if TYPE_CHECKING:
    import pandas as pd


Array = np.ndarray[Any, Any]

HELD = 2**28  # bytes of a validation or test part that is held in memory


class StreamedTable(Table):
    """A table whose rows are read while the network trains on them, such as a large Parquet file.

    It is described like any other `Table`. Statistics and vocabularies of the columns come from a
    sample of the training rows, at most 200,000 of them from row groups all over the table; the
    classes of targets from all rows. The parts for validation and testing are held in memory if
    they take less than 256 MB each, and streamed in their order if not.

    Args:
        data: a Parquet file, a folder of them, or a data set of Hugging Face `datasets`.
        inputs: as for `Table`.
        tasks: as for `Table`.
        split: a column, or shares and a seed, as for `plait.data.streams.row_splits.row_splits`: a
            row, or a `group`, is in a part by its hash. At most about 100,000 rows are held out
            each by default.
        exclude: as for `Table`.

    Raises:
        ConfigError: as `Table`; data that are no Parquet.
        DataError: as `Table`; a folder of different tables, or a part without a row.
    """

    @cached_property
    def groups(self) -> RowGroups:
        """The table, of which a group of rows can be read alone."""
        return row_groups_of(self.data)

    @cached_property
    def at_once(self) -> int:
        """The number of rows that are read together."""
        return rows_at_once(self.groups)

    @cached_property
    def rule(self) -> tuple[RowSplits, list[Array], list[str]]:
        """The rule of the splits, the rows of each split by slices, and notes on them."""
        return row_splits(self.groups, self.split, self.at_once)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """A sample of the training rows."""
        rows = max(1, min(ROWS, int(BYTES / self.groups.bytes_per_row)))
        columns = list(self.groups.columns)
        return sample(self.groups, columns, self.rule[0], rows=rows, at_once=self.at_once)

    @property
    def rows(self) -> dict[str, Array]:
        """The rows of the sample, all of which are for training."""
        none = np.arange(0)
        return {"train": np.arange(len(self.frame)), "val": none, "test": none}

    @cached_property
    def classes(self) -> dict[str, list[str]]:
        """`{task: names of its classes or labels}`, of all rows; of masks, those of the sample."""
        found = classes_in(self.groups, self.targets, at_once=self.at_once)
        masks = [target for target in self.targets if target.kind == "mask"]
        return found | {target.name: self.examples.classes(target) for target in masks}

    @cached_property
    def notes(self) -> Sequence[str]:
        """Sentences on what was decided, and on what the sample gives away or has cut off."""
        counts = {split: len(data) for split, data in self.streams.items()}
        told = ", ".join(f"{count:,} for {split}" for split, count in counts.items())
        return [
            f"{self.groups.name} is streamed: {told}; statistics of its columns come from "
            f"{len(self.frame):,} training rows.",
            *self.rule[2],
            *self.given_away(),
            *self.examples.cut,
        ]

    def tasks(self) -> list[BaseTask]:
        """Makes the tasks of the targets; units of numbers are those of the sample."""
        made = super().tasks()
        for task in made:
            if isinstance(task, WithUnit) and task.unit is not None:
                task.fit_labels(self.labels[task.name])
        return made

    @cached_property
    def streams(self) -> dict[str, TableStream]:
        """The rows of each split, read from the files whenever they are gone through."""
        rule, counts, _ = self.rule
        reads = [*self.inputs, *(name for target in self.targets for name in target.reads)]
        for name, each in self.inputs.items():
            if isinstance(each.media, ImageOptions) and each.media.augment is not None:
                raise ConfigError(
                    f"inputs.{name}: `augment` has no effect on a stream; leave it out, or read "
                    "the table whole (without `stream`)."
                )
        return {
            split: TableStream(
                self.groups,
                self.encoded,
                reads,
                rule=rule,
                counts=counts,
                split=split,
                rows=self.at_once,
                sample=self.encoded(self.frame, self.source) if split == "train" else None,
            )
            for split in ("train", "val", "test")
        }

    def splits(self) -> Mapping[str, Dataset[Any]]:
        """Gives the rows of each split: `TableStream`, or those held out in memory if they fit."""
        found: dict[str, Dataset[Any]] = dict(self.streams)
        sampled = self.streams["train"].sample
        width = self.groups.bytes_per_row
        if isinstance(sampled, InMemory):
            width = sum(each[0].numel() * 4 for each in (sampled.inputs, *sampled.targets.values()))
        for split in ("val", "test"):
            if width * len(self.streams[split]) <= HELD:
                found[split] = self.streams[split].held()
        return found

    def show_example(self, split: str, index: int, inputs: Any) -> Sequence[Shown]:
        """Shows nothing: what was written in a row is not kept."""
        return []
