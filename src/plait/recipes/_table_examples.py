"""The pictures, sounds and sentences of a table, and the labels that lie on them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor

from plait.core.build import build
from plait.core.columns import Column, inputs_of
from plait.core.errors import ConfigError
from plait.data.augment import Augment
from plait.data.examples import Examples, Reader
from plait.data.files import Store
from plait.data.readers import Images, Maps, Masks, Sounds, Texts
from plait.data.table.described import PLACED, Target
from plait.data.table.described_inputs import Input
from plait.data.table.media import ImageOptions
from plait.recipes._table_tasks import placed_task
from plait.tasks import BaseTask

if TYPE_CHECKING:
    import pandas as pd

    from plait.data.table.splits import Division

GIB = 2**30
READ_AHEAD = 4_096  # rows whose files are read once before the training


class Described(Protocol):
    """The side of a table's recipe that its examples need."""

    cache: float

    @property
    def frame(self) -> pd.DataFrame:
        """The whole table."""

    @property
    def inputs(self) -> Mapping[str, Input]:
        """`{column: the way in which it is read}`."""

    @property
    def columns(self) -> Sequence[Column]:
        """The columns of inputs, as the training rows have described them."""

    @property
    def targets(self) -> Sequence[Target]:
        """The targets, in the order of the tasks."""

    @property
    def classes(self) -> Mapping[str, Sequence[str]]:
        """`{task: names of its classes}`."""

    @property
    def labels(self) -> Mapping[str, Tensor]:
        """`{task: labels of all rows}` of the tasks whose labels lie on no input."""

    @property
    def rows(self) -> Mapping[str, Any]:
        """`{split: numbers of its rows}`."""

    @property
    def division(self) -> Division:
        """The rows of each split, with their groups."""

    @property
    def source(self) -> str:
        """The name of the table."""

    @property
    def store(self) -> Store:
        """The files that cells name."""

    def tasks(self) -> Sequence[BaseTask]:
        """Makes the tasks."""


class TableExamples:
    """Reads what is no entry of a row: pictures, sounds, sentences, masks, maps and tags.

    Args:
        table: the recipe.
    """

    def __init__(self, table: Described) -> None:
        self.table = table

    @property
    def targets(self) -> list[Target]:
        """The targets whose labels lie on an input."""
        return [target for target in self.table.targets if target.kind in PLACED]

    @cached_property
    def presence(self) -> dict[str, Tensor]:
        """`{task: 0 where a row has a label, else -100}`."""
        from plait.data.table.placed import presence

        return {target.name: presence(self.table.frame, target) for target in self.targets}

    @cached_property
    def inputs(self) -> dict[str, Reader]:
        """`{input: reader}` of all rows."""
        from plait.data.table.inputs import readers_of

        table = self.table
        return readers_of(
            table.frame, table.columns, table.store, source=table.source, keep=self._kept
        )

    @property
    def cut(self) -> list[str]:
        """Sentences on columns of text of which some rows are not read to their end."""
        texts = any(column.kind in ("text", "tokens") for column in self.table.columns)
        found = []
        for name, reader in self.inputs.items() if texts else ():
            if isinstance(reader, Texts) and (count := reader.cut):
                form, most = reader.column.form, reader.column.length
                unit = {"characters": "characters", "whole": "codes"}.get(form, "words")
                found.append(
                    f"{count:,} of {len(reader):,} rows have more than {most:,} {unit} in column "
                    f"{name!r}; what follows is not read. `inputs.{name}.length` is the most."
                )
        return found

    @cached_property
    def places(self) -> dict[str, str]:
        """`{task: the input that its labels lie on}`."""
        from plait.data.table.placed import place_of

        found = {target.name: place_of(target, self.inputs) for target in self.targets}
        return {
            task: next(name for name, each in self.inputs.items() if each is place)
            for task, place in found.items()
        }

    @cached_property
    def labels(self) -> dict[str, Reader]:
        """`{task: reader}` of the labels that lie on an input, of all rows."""
        from plait.data.table.placed import placed_labels

        table = self.table
        return {
            target.name: placed_labels(
                table.frame,
                target,
                table.classes[target.name],
                self.inputs,
                table.store,
                source=table.source,
                keep=self._kept,
            )
            for target in self.targets
        }

    def classes(self, target: Target) -> list[str]:
        """Returns the names of a target's classes."""
        from plait.data.table.placed import placed_classes

        table = self.table
        return placed_classes(table.frame, target, table.store, source=table.source)

    @property
    def dense(self) -> str | None:
        """The input of several whose positions have labels, for `Fused`; None without such labels.

        Raises:
            ConfigError: labels lie on two inputs.
        """
        if len(inputs_of(self.table.columns)) == 1 or not self.targets:
            return None
        if len(set(self.places.values())) > 1:
            told = ", ".join(f"{task!r} on {name!r}" for task, name in self.places.items())
            raise ConfigError(
                f"labels of one network lie on one input: found {told}. Train two runs, or leave "
                "tasks out."
            )
        return next(iter(self.places.values()))

    def task(self, target: Target) -> BaseTask:
        """Makes the task of a target whose labels lie on an input."""
        names, rows = self.table.classes[target.name], self.table.rows["train"]
        return placed_task(target, names, self.labels[target.name], rows)

    def splits(self) -> Mapping[str, Examples]:
        """Gives the examples of each split; the pictures of training are augmented."""
        table = self.table
        labels = {**table.labels, **self.labels}
        self._check()
        targets = {target.name: labels[target.name] for target in table.targets}
        tasks = table.tasks()
        places = [name for name in self.places.values() if isinstance(self.inputs[name], Images)]
        return {
            split: Examples(
                self.inputs,
                targets,
                rows,
                augment=self._augment if split == "train" else None,
                tasks=tasks,
                place=places[0] if places else None,
                groups=groups,
            )
            for split, rows, groups in table.division.parts()
        }

    def _check(self) -> None:
        """Reads the files of all rows once, or of many rows their heads alone.

        What is wrong with a file is then said before the training, and not in the middle of it.

        Raises:
            DataError: a file is broken or too large, or a mask has another size than its picture or
                a value that is no class.
        """
        files = (Images, Masks, Maps, Sounds)
        count = len(self.table.frame)
        for reader in (*self.inputs.values(), *self.labels.values()):
            if isinstance(reader, files):
                read = reader.__getitem__ if count <= READ_AHEAD else reader.look
                for row in range(count):
                    read(row)

    @property
    def _augment(self) -> Augment | None:
        """The augmentation of training, by the options of the first column that has some."""
        for name, each in self.table.inputs.items():
            if isinstance(each.media, ImageOptions) and each.media.augment is not None:
                noun = f"inputs.{name}.augment:"
                augment: Augment = build(Augment, each.media.augment, kind=noun)
                return augment
        return None

    @cached_property
    def _kept(self) -> list[int]:
        """The rows whose decoded pictures and masks fit into the cache: those of training first."""
        table = self.table
        pictures = [column for column in table.columns if column.kind == "image"]
        row = sum(column.channels * math.prod(column.size) for column in pictures)
        if not row:
            return []
        row += sum(target.kind == "mask" for target in self.targets) * max(
            math.prod(column.size) for column in pictures
        )
        rows = [int(each) for split in ("train", "val", "test") for each in table.rows[split]]
        return rows[: int(table.cache * GIB // row)]
