"""A run folder as an object: predictions, measures and the report of one training."""

from __future__ import annotations

import html
from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plait.core.errors import ConfigError
from plait.evaluation import Evaluation
from plait.experiments.trained import Trained
from plait.model import MultiTaskModel
from plait.reports import write_report
from plait.sharing.preference.shares import Preference

if TYPE_CHECKING:
    import pandas as pd


class Run:
    """A trained model with its run folder, as `plait.fit` and `plait.load` give it.

    Args:
        folder: of the run.
        files: the folder that paths in the cells of tables are relative to; by default that of a
            table's file, and for a frame the working directory.

    Attributes:
        folder: of the run.

    Raises:
        ConfigError: there is no such folder, or its training has not ended.
        CheckpointError: a file of the model is missing or damaged.
    """

    def __init__(self, folder: Path | str, *, files: Path | str | None = None) -> None:
        self.folder = Path(folder)
        self._files = files
        self._trained = Trained(self.folder, files=files)

    @property
    def model(self) -> MultiTaskModel:
        """The trained model, in eval mode."""
        return self._trained.model

    @cached_property
    def metrics(self) -> dict[str, dict[str, float]]:
        """`{task: {metric: value}}` on the test part, which was read once, after the training."""
        from plait.reports.read.run import read_run

        test = read_run(self.folder).test
        if test is None:
            raise ConfigError(
                f"the run in {self.folder} was not tested: its training has not ended."
            )
        return {task: dict(values) for task, values in test.metrics.items()}

    def predict(
        self,
        table: pd.DataFrame | Path | str,
        tasks: Collection[str] | str | None = None,
        *,
        source: str | None = None,
        preference: Preference | None = None,
    ) -> pd.DataFrame:
        """Predicts the rows of a table.

        Args:
            table: a frame or a file, with the columns that the model reads; others are passed over.
            tasks: which; by default all, of several data sets those of the source.
            source: of a run on several data sets, the one that the table is like.
            preference: of a run with sharing `PaLoRA`, `{task: number}` in multiples of equal
                weighting, at least 0: 1 for tasks that are not named. Equal for all by default.

        Returns:
            A frame of the same rows: for each task a column of its name, and the probabilities
            `TASK=CLASS`. Masks and maps are arrays in the size of their pictures.

        Raises:
            DataError: a column is missing, or a cell is not of its kind.
            ConfigError: an unknown task or source, or a preference that is none.
            UnsupportedError: a preference, of a model that serves one alone.
        """
        from plait.data.table import read_table

        trained = self._reading(source)
        if not isinstance(table, str | Path):
            return trained.predict(table, _names(tasks), preference=preference)
        path = Path(str(table))
        frame = read_table(path)
        return trained.predict(
            frame, _names(tasks), source=path.name, near=path.parent, preference=preference
        )

    def evaluate(
        self,
        table: pd.DataFrame | Path | str,
        tasks: Collection[str] | str | None = None,
        *,
        source: str | None = None,
        preference: Preference | None = None,
    ) -> Evaluation:
        """Measures the model on a labelled table; an empty cell or NaN is no label.

        Args:
            table: a frame or a file, with the columns that the model reads, and those of its tasks.
            tasks: which; all whose columns are there by default, of several data sets those of the
                source.
            source: of a run on several data sets, the one that the table is like.
            preference: as in `predict`.

        Returns:
            Losses and metrics by task; `.metrics` is `{task: {metric: value}}`.

        Raises:
            DataError: no task has its column, a cell is not of its kind, or a class is one that the
                training did not have.
            ConfigError: an unknown task or source, or a preference that is none.
            UnsupportedError: a preference, of a model that serves one alone.
        """
        return self._reading(source).evaluate(table, _names(tasks), preference=preference)

    def _reading(self, source: str | None) -> Trained:
        """Returns the model as it reads tables like those of a source."""
        if source is None:
            return self._trained
        return Trained(self.folder, files=self._files, source=source)

    def report(self) -> Report:
        """Writes the report anew and returns it; a notebook shows it, a terminal its path."""
        return Report(write_report(self.folder))

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}, tasks: {', '.join(self.model.tasks)})"


class Report:
    """The report of a run, which a notebook shows where it is the last value of a cell.

    Args:
        path: the HTML file.

    Attributes:
        path: the HTML file.
    """

    HEIGHT = 900  # pixels of the frame in a notebook

    def __init__(self, path: Path) -> None:
        self.path = path

    def _repr_html_(self) -> str:
        page = html.escape(self.path.read_text(encoding="utf-8"))
        style = f"width:100%;height:{self.HEIGHT}px;border:0"
        return f'<iframe srcdoc="{page}" style="{style}" title="plait report"></iframe>'

    def __repr__(self) -> str:
        return str(self.path)


def load(folder: Path | str, *, files: Path | str | None = None) -> Run:
    """Opens a run folder, of `plait.fit` or of `plait train`.

    Args:
        folder: of a run that has ended.
        files: see `Run`.

    Raises:
        ConfigError: there is no such folder, or its training has not ended.
        CheckpointError: a file of the model is missing or damaged.
    """
    return Run(folder, files=files)


def _names(tasks: Any) -> Any:
    return [tasks] if isinstance(tasks, str) else tasks
