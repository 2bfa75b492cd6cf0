"""Any table as a problem: columns that are read, columns that are predicted, and splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from torch import Tensor, nn
from torch.utils.data import Dataset

from plait.core.columns import MEDIA, Column
from plait.core.errors import ConfigError
from plait.data import InMemory
from plait.data.files import Store, folder_of, folder_with
from plait.data.hugging_face import store_of
from plait.data.shown import Shown
from plait.data.table.described import PLACED, Target, read_targets
from plait.data.table.described_inputs import Input, read_inputs
from plait.encoders import Fused, TabularEncoder
from plait.recipes._table_examples import TableExamples
from plait.recipes._table_rows import TableRows
from plait.recipes._table_shown import shown_inputs
from plait.recipes._table_tasks import check_described, check_trained, labels_of_all, task_of
from plait.recipes.base import Recipe
from plait.tasks import BaseTask

if TYPE_CHECKING:  # pandas takes long to load, and other recipes do not need it
    import pandas as pd

    from plait.data.table.splits import Division

Array = np.ndarray[Any, Any]


class Table(Recipe):
    """A table with one row for each example: some columns are read, others predicted.

    It is made of a file or a frame of pandas, and of a description of inputs, tasks and splits, as
    `plait init` writes it; a known table is a subclass that has its description with it. Numbers
    are standardised and categories embedded inside the encoder, by what the training rows say.
    Cells may also be sentences, or paths of pictures, sounds and masks, which are read row by row.

    Args:
        data: a file (see `plait.data.table.read.read_table`), a frame, or for a known table the
            folder with its file.
        inputs: `{column or pattern: kind}`, or in place of the kind a mapping with `kind` and
            options; see `plait.data.table.described_inputs.Input`.
        tasks: `{task: kind}` or a mapping with `kind` and options: those of
            `plait.data.table.targets.Target`, and those of the task's class. A column that is
            predicted is never read.
        split: see `plait.data.table.divide.divide`.
        exclude: columns that no pattern of inputs stands for.
        files: the folder that paths in cells are relative to; by default that of the table's file,
            and for a frame the working directory. No path leads out of it.
        cache: GiB of memory for decoded pictures and masks, so that they are read from their files
            once; those that do not fit are decoded in each epoch. 1 by default.
        progress: is told how much of a file was read, `progress(bytes, size)`.

    Raises:
        ConfigError: a kind or an option that does not exist, or no input or task.
        DataError: a file that cannot be read, a column that is missing or not of its kind, a task
            without a label.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        "epochs": 300,
        "patience": 20,
        "batch_size": "auto",
        "optimizer": {"class": "AdamW", "lr": 3e-4, "weight_decay": 0.01},
        "scheduler": {"class": "ReduceLROnPlateau", "factor": 0.5, "patience": 5},
        "encoder": {"class": "TabularEncoder"},
    }
    media_defaults: ClassVar[Mapping[str, Any]] = {  # where a cell is a picture, sound or sentence
        "epochs": 60,
        "patience": 10,
        "batch_size": 32,
        "optimizer": {"class": "AdamW", "lr": 1e-3, "weight_decay": 0.01},
        "scheduler": {"class": "ReduceLROnPlateau", "factor": 0.5, "patience": 3},
        "encoder": {"class": "Fused"},
    }
    file: ClassVar[str] = ""  # of a known table, in the data folder

    def __init__(
        self,
        *,
        data: Path | str | pd.DataFrame,
        inputs: Mapping[str, Any] | None = None,
        tasks: Mapping[str, Any] | None = None,
        split: str | Mapping[str, Any] | None = None,
        exclude: Sequence[str] | None = None,
        files: Path | str | None = None,
        cache: float = 1.0,
        progress: Any = None,
    ) -> None:
        self.data = data
        self.described_inputs = self.defaults.get("inputs", {}) if inputs is None else inputs
        self.described_tasks = self.defaults.get("tasks", {}) if tasks is None else tasks
        self.split = self.defaults.get("split") if split is None else split
        self.exclude = tuple(self.defaults.get("exclude", ()) if exclude is None else exclude)
        check_described(self.described_inputs, self.described_tasks)
        self.files = files
        self.cache = cache
        self.progress = progress

    @classmethod
    def defaults_for(cls, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns the defaults of a table, which depend on what its cells are."""
        described = settings.get("inputs") or cls.defaults.get("inputs") or {}
        kinds = [e.get("kind") if isinstance(e, Mapping) else e for e in described.values()]
        if cls.defaults is not Table.defaults or not any(kind in MEDIA for kind in kinds):
            return cls.defaults
        return cls.media_defaults

    @property
    def source(self) -> str:
        """The name of the table, for messages."""
        return self.data_name if isinstance(self.data, str | Path) else "the frame"

    @property
    def data_name(self) -> str:
        """The name of the file."""
        return self.file or Path(str(self.data)).name

    def read(self) -> pd.DataFrame:
        """Reads the table as a frame."""
        from plait.data.table.frames import own_frame

        if not isinstance(self.data, str | Path):
            return own_frame(self.data, self.source)
        path = Path(self.data)
        if self.file:
            path = folder_with(path, [self.file]) / self.file
        return self.read_file(path)

    def read_file(self, path: Path) -> pd.DataFrame:
        """Reads the file of the table; a known table whose file is of another form overrides it."""
        from plait.data.table.read import read_table

        return read_table(path, progress=self.progress)

    @property
    def store(self) -> Store:
        """The files that cells name; a known table whose files are in an archive overrides it."""
        if self.files is not None:
            return Store(Path(self.files))
        if not isinstance(self.data, str | Path):
            return store_of(self.data)
        return Store(Path(self.data) if self.file else folder_of(Path(self.data)))

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The whole table."""
        return self.read()

    @cached_property
    def targets(self) -> list[Target]:
        """The targets, in the order of the tasks."""
        wanted = {name: each for name, each in self.described_tasks.items() if each is not None}
        return read_targets(wanted, list(self.frame.columns))

    @cached_property
    def inputs(self) -> dict[str, Input]:
        """`{column: the way in which it is read}` of the inputs."""
        from plait.data.table.fit import require

        predicted = {name: target.name for target in self.targets for name in target.reads}
        reserved = {*predicted, *self.exclude, *self._split_columns()}
        for name, each in self.described_inputs.items():
            if name in predicted and each is not None:
                raise ConfigError(
                    f"the column {name!r} is an input, and task {predicted[name]!r} reads its "
                    "labels from it: it would give them away. Take it from one of the two."
                )
        found = read_inputs(self.described_inputs, self.frame.columns, leave_out=reserved)
        require(self.frame, found, self.source)
        return found

    @cached_property
    def division(self) -> Division:
        """The rows of "train", "val" and "test"."""
        from plait.data.table.divide import divide

        inputs = list(self.inputs)
        labels = {**self.labels, **self.examples.presence}
        return divide(self.frame, self.split, labels, inputs, source=self.source)

    @property
    def rows(self) -> dict[str, Array]:
        """`{split: numbers of its rows, ascending}`."""
        return self.division.rows

    @cached_property
    def columns(self) -> list[Column]:
        """The columns of inputs, with vocabularies and statistics of the training rows."""
        from plait.data.table.fit import fit_columns

        return fit_columns(self.frame, self.inputs, self.rows["train"], source=self.source)

    @cached_property
    def classes(self) -> dict[str, list[str]]:
        """`{task: names of its classes or labels}`."""
        from plait.data.table.targets import classes_of

        return {
            target.name: self.examples.classes(target)
            if target.kind in PLACED
            else classes_of(self.frame, target, source=self.source)
            for target in self.targets
        }

    @cached_property
    def labels(self) -> dict[str, Tensor]:
        """`{task: labels of all rows}` of the tasks whose labels lie on no picture or sentence."""
        whole = [target for target in self.targets if target.kind not in PLACED]
        return labels_of_all(self.frame, whole, self.classes, source=self.source)

    @cached_property
    def examples(self) -> TableExamples:
        """The pictures, sounds and sentences of the rows, and the labels that lie on them."""
        return TableExamples(self)

    @cached_property
    def notes(self) -> Sequence[str]:
        """Sentences on what was decided, and on what misleads: equal rows, targets given away."""
        from plait.data.table.twins import twins

        predicted = list(dict.fromkeys(c for target in self.targets for c in target.columns))
        alike = twins(self.frame[list(self.inputs)], self.frame[predicted], self.rows)
        told = [*self.division.notes, *(each.sentence for each in alike), *self.given_away()]
        return [*told, *self.examples.cut]

    def given_away(self) -> list[str]:
        """Returns a sentence for each target that a column of inputs gives away."""
        from plait.data.table.giveaways import give_aways

        told = [name for name, each in self.inputs.items() if each.kind not in MEDIA]
        whole = [target for target in self.targets if target.kind not in PLACED]
        kinds = {name: target.kind for target in whole for name in target.columns}
        return [each.sentence for each in give_aways(self.frame, told, kinds)]

    def tasks(self) -> list[BaseTask]:
        """Makes the tasks of the targets, with classes and labels as the table has them."""
        labels = {**self.labels, **self.examples.presence}
        train = {name: each[self.rows["train"]] for name, each in labels.items()}
        check_trained(train, self.source)
        return [
            self.examples.task(each)
            if each.kind in PLACED
            else task_of(each, self.classes[each.name], train[each.name])
            for each in self.targets
        ]

    def encoder(self) -> nn.Module:
        """Makes a `TabularEncoder` of the columns, or `Fused` where one is no entry of a row."""
        if all(column.in_row for column in self.columns):
            return TabularEncoder(self.columns)
        return Fused(self.columns, dense=self.examples.dense)

    def splits(self) -> Mapping[str, Dataset[Any]]:
        """Gives the rows of each split with the labels of all tasks.

        Inputs are rows `[N, F]`, or where a column is a picture, a sound or a sentence the inputs
        of `plait.core.columns.inputs_of`, read example by example.
        """
        from plait.data.table.encode import encode_splits

        if not all(column.in_row for column in self.columns):
            return self.examples.splits()
        inputs = encode_splits(self.frame, self.columns, self.rows, source=self.source)
        return {
            split: InMemory(inputs[split], {n: y[rows] for n, y in self.labels.items()}, groups)
            for split, rows, groups in self.division.parts()
        }

    def encoded(self, frame: pd.DataFrame, source: str = "the frame") -> Dataset[Any]:
        """Gives rows of another `frame` with their labels, read as this table reads its own.

        Args:
            frame: has the columns of inputs and targets.
            source: of the rows, for messages.

        Raises:
            DataError: as for a table; a class that it does not have.
        """
        return TableRows(self, frame, source).dataset()

    def show_example(self, split: str, index: int, inputs: Any) -> Sequence[Shown]:
        """Shows the row of an example: its pictures, sounds, sentences and values."""
        row = self.frame.iloc[[int(self.rows[split][index])]]
        return shown_inputs(self.columns, row, inputs)

    def _split_columns(self) -> list[str]:
        named: Mapping[str, Any] = {"column": self.split}
        if isinstance(self.split, Mapping):
            named = self.split
        return [named[option] for option in ("column", "group") if named.get(option)]
