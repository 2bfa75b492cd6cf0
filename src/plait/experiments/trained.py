"""A run folder in use: what its model predicts for other tables, and how well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plait.core.columns import Column
from plait.core.errors import ConfigError, DataError, unknown
from plait.core.extras import need
from plait.data.files import Store, folder_of
from plait.data.hugging_face import store_of
from plait.evaluation import Evaluation, evaluate
from plait.experiments.config import read_run
from plait.experiments.predicted import predicted_columns
from plait.experiments.predicted_files import PredictedFiles, of_own_size
from plait.experiments.table_batches import TableBatch, table_batches, unseen_words
from plait.experiments.trained_source import columns_of, described_tasks, own_tasks
from plait.model import MultiTaskModel
from plait.runs.folder import MODEL, check_run
from plait.sharing.preference.shares import Preference

if TYPE_CHECKING:
    import pandas as pd

    from plait.data.table.described import Target

PIECE = 65_536  # rows of a file that are in memory at once
MEDIA_PIECE = 1_024  # where they predict masks or maps, or read files
BATCH = 4_096  # rows of a forward pass


class Trained:
    """The model of a run, and what its run folder says of the table that it was trained on.

    Args:
        folder: a run folder, or a model folder.
        example: one batch of inputs, if the model reads objects of the user's own.
        files: the folder that paths in cells are relative to; by default that of a table's file,
            and for a frame the working directory.
        source: of a run on several data sets, the one that tables are like.

    Attributes:
        folder: the run folder.
        source: the one of several data sets that tables are like, or None.
        model: in eval mode, on the CPU.

    Raises:
        ConfigError: there is no such folder, or no trained model in it.
        CheckpointError: a file of the model is missing or damaged.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        example: Any = None,
        files: Path | str | None = None,
        source: str | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.source = source
        self._files = files
        check_run(self.folder)
        place = self.folder / MODEL if (self.folder / MODEL).is_dir() else self.folder
        self.model = MultiTaskModel.from_pretrained(place, example=example)
        self._values: Counter[str] = Counter()
        self._unseen: Counter[str] = Counter()

    @cached_property
    def columns(self) -> list[Column]:
        """The columns of inputs, as the model's encoder has them.

        Raises:
            ConfigError: the encoder does not know a table; a source is missing or unknown.
        """
        return columns_of(self.model, self.source, self.folder)

    @property
    def surprises(self) -> list[str]:
        """Sentences about rows so far that are unlike those of the training."""
        kinds = {column.name: column.kind for column in self.columns}
        return [
            f"{count:,} of {self._values[name]:,} rows have a value in {name!r} that the training "
            "had once or never; the model knows no more of it"
            if kinds[name] == "category"
            else f"{count:,} of {self._values[name]:,} words in {name!r} were in the training once "
            "or never; the model knows their beginnings and ends at most"
            for name, count in self._unseen.items()
        ]

    def _look(self, inputs: Any) -> None:
        """Counts the words that the model does not know."""
        for name, (unseen, count) in unseen_words(inputs, self.columns).items():
            self._values[name] += count
            self._unseen.update({name: unseen} if unseen else {})

    def _inputs(self, batch: TableBatch) -> Any:
        """Gives the inputs of a batch the name of their source, where there are several."""
        return batch.inputs if self.source is None else {self.source: batch.inputs}

    def predict(
        self,
        frame: pd.DataFrame,
        tasks: Collection[str] | None = None,
        *,
        source: str = "the frame",
        near: Path | None = None,
        preference: Preference | None = None,
    ) -> pd.DataFrame:
        """Predicts the rows of a table.

        Args:
            frame: has the columns that the model reads; others are passed over.
            tasks: names of those wanted; by default all, of several data sets the source's.
            source: the table, for messages.
            near: the folder of the file that the frame was read from.
            preference: see `Sharing.preferring`; None for the model's own, equal for all tasks.

        Returns:
            A frame of the same rows, with the columns of `predicted_columns`. Masks and maps are
            arrays in the size of their pictures.

        Raises:
            DataError: a column is missing, or a cell is not of its kind.
            ConfigError: an unknown task, or a preference that is none.
            UnsupportedError: a preference, of a model that serves one alone.
        """
        from plait.data.table.frames import own_frame

        own = own_frame(frame, source)
        with self.model.sharing.preferring(preference):
            found = self._predict(own, tasks, source, self._store(near, frame))
        return found.set_axis(getattr(frame, "index", own.index))

    def _predict(
        self, frame: pd.DataFrame, tasks: Collection[str] | None, source: str, store: Store
    ) -> pd.DataFrame:
        pd = need("pandas", extra="app", purpose="A table of predictions")
        pieces = []
        wanted = own_tasks(self.folder, self.model, self.source) if tasks is None else tasks
        place = getattr(self.model.sharing.prototype(), "dense", None)
        for batch in table_batches(frame, self.columns, store, source=source, place=place):
            self._look(batch.inputs)
            found = self.model.predict(self._inputs(batch), wanted, batch_size=BATCH)
            piece = predicted_columns(found, frame.index[batch.rows], words=batch.words)
            pieces.append(of_own_size(piece, batch.sizes))
        return pieces[0] if len(pieces) == 1 else pd.concat(pieces)

    def _store(self, near: Path | None = None, table: Any = None) -> Store:
        """Returns the files that the cells of a table name, which lie in its folder, or in them."""
        if self._files is None and near is None:
            return store_of(table)
        return Store(Path(self._files or near or Path.cwd()))

    def predict_file(
        self,
        table: Path,
        out: Path,
        tasks: Collection[str] | None = None,
        *,
        keep: Sequence[str] = (),
        progress: Any = None,
        preference: Preference | None = None,
    ) -> int:
        """Predicts the rows of a file into another, of any size, and returns their number.

        Masks and maps are written as files, into a folder beside it: `out.csv` has them in
        `out_files/TASK/ROW.png`, or `.npy` for maps, and their paths in the task's column.

        Args:
            table: the file to read.
            out: the file to write; its name says the format. It is whole or absent.
            tasks: names of the tasks that are wanted; all by default.
            keep: columns of the table that go before the predictions, such as an id.
            progress: is told how much was read, `progress(bytes, size)`.
            preference: as in `predict`.

        Raises:
            DataError: as `predict`, with the file's name.
        """
        from plait.data.table.write import write_table

        with self.model.sharing.preferring(preference), PredictedFiles(out) as files:
            pieces = self._pieces(table, tasks, keep, progress)
            return write_table(out, map(files.written, pieces))

    def _pieces(
        self, table: Path, tasks: Collection[str] | None, keep: Sequence[str], progress: Any
    ) -> Iterator[pd.DataFrame]:
        from plait.data.table.fit import require
        from plait.data.table.read import read_pieces

        pd = need("pandas", extra="app", purpose="A table of predictions")
        for piece in read_pieces(table, self._piece, progress=progress):
            require(piece, keep, table.name)
            found = self._predict(piece, tasks, table.name, self._store(folder_of(table)))
            twice = next((name for name in keep if name in found), None)
            if twice is not None:
                raise ConfigError(
                    f"the column {twice!r} of {table.name} has the name of a prediction, so that "
                    "it cannot stand beside it. Rename it in the table, or do not keep it."
                )
            yield pd.concat([piece[list(keep)], found], axis=1) if keep else found

    @property
    def _piece(self) -> int:
        """The rows of a file that are in memory at once."""
        return PIECE if all(column.in_row for column in self.columns) else MEDIA_PIECE

    def evaluate(
        self,
        table: pd.DataFrame | Path | str,
        tasks: Collection[str] | None = None,
        *,
        preference: Preference | None = None,
    ) -> Evaluation:
        """Measures the model on a labelled table.

        Args:
            table: a frame or a file, with the columns that the model reads and those of its tasks;
                an empty cell is no label.
            tasks: names of the tasks that are wanted; all whose columns are there by default.
            preference: as in `predict`.

        Returns:
            The losses and metrics by task.

        Raises:
            DataError: no task has its column, a cell is not of its kind, or a class is one that the
                training did not have.
            ConfigError: the folder does not say which columns are labels; an unknown task.
        """
        from plait.data.table.frames import own_frame
        from plait.data.table.read import read_pieces

        if isinstance(table, str | Path):
            pieces, name = read_pieces(table, self._piece), Path(table).name
            store = self._store(folder_of(Path(table)))
        else:
            name, store = "the frame", self._store(table=table)
            pieces = iter([own_frame(table, name)])
        first = next(pieces)
        targets = self._targets(list(first.columns), tasks, name)
        names = [target.name for target in targets]
        asked = read_run(self.folder).all_right or {}
        with self.model.sharing.preferring(preference):
            found = evaluate(
                self.model,
                self._batches(chain([first], pieces), targets, name, store),
                all_right={metric: each for metric, each in asked.items() if {*each} <= {*names}},
            )
        return found.only(names)

    def _targets(
        self, columns: list[str], tasks: Collection[str] | None, source: str
    ) -> list[Target]:
        """Returns the targets to measure; by default those that a table has the columns of."""
        from plait.data.table.described import read_target

        described = self._described(tasks)
        found = [read_target(name, each, columns) for name, each in described.items()]
        if tasks is None:
            found = [each for each in found if all(name in columns for name in each.reads)]
        if not found:
            raise DataError(
                f"{source} has no column of labels; the tasks are {', '.join(described)}. "
                "Name a labelled table."
            )
        return found

    def _batches(
        self,
        pieces: Iterable[pd.DataFrame],
        targets: Sequence[Target],
        source: str,
        store: Store,
    ) -> Iterator[tuple[Any, Mapping[str, Any]]]:
        """Yields batches of inputs and labels."""
        tasks = {target.name: self.model.tasks[target.name] for target in targets}
        for piece in pieces:
            for batch in table_batches(
                piece, self.columns, store, source=source, targets=targets, tasks=tasks
            ):
                self._look(batch.inputs)
                yield self._inputs(batch), batch.targets

    def _described(self, tasks: Collection[str] | None) -> dict[str, Any]:
        """Returns `{task: how its labels are read}` of the tasks that are wanted."""
        for task in tasks or ():
            if task not in self.model.tasks:
                raise ConfigError(unknown("task", task, self.model.tasks))
        described = described_tasks(self.folder, self.source)
        names = own_tasks(self.folder, self.model, self.source) if tasks is None else tasks
        return {name: described.get(name, {}) for name in names or self.model.tasks}
