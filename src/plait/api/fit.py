"""From a table to a trained model in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plait.api.run import Run
from plait.experiments.table_run import run_table
from plait.training.progress import with_progress

if TYPE_CHECKING:
    import pandas as pd


def fit(
    table: pd.DataFrame | Path | str,
    targets: str | Sequence[str] | Mapping[str, Any],
    *,
    inputs: Sequence[str] | Mapping[str, Any] | None = None,
    split: str | Mapping[str, Any] | None = None,
    exclude: Sequence[str] = (),
    files: Path | str | None = None,
    run: Path | str | None = None,
    progress: bool = True,
    **settings: Any,
) -> Run:
    """Trains one network for several columns of a table, tests it once, and writes a run folder.

    Kinds of columns that are not given are guessed from their values, as `plait init` does.

    Args:
        table: a frame of pandas, a file, a folder of Parquet files, or a data set of Hugging Face
            `datasets`; one row for each example. NaN in a target is no label. With `stream=True`,
            Parquet files and data sets are read while the network trains on them.
        targets: columns to predict; or `{task: kind}`, or in place of the kind a mapping with
            `kind` and options (`column`, `weight`, `where`, `class_weights`, ...).
        inputs: columns to read, or `{column: kind}`; all that are of use by default: neither
            targets nor split, ids or columns that give a target away.
        split: a column that says train, val or test, or a mapping such as ``{"val": 0.1, "test":
            0.2, "group": "customer"}``; 0.15 each by default.
        exclude: columns that are not read.
        files: the folder that paths in cells are relative to; by default that of the table's file,
            and for a frame the working directory.
        run: the run folder; `runs/NAME` by default.
        progress: show a bar and a table of the epochs on stderr.
        settings: those of a run, by name: `balancing="UPGrad"`, `epochs=30`,
            `optimizer={"lr": 3e-4}`; `plait train --help-settings` lists all.

    Returns:
        The run: `run.metrics`, `run.predict(table)`, `run.evaluate(table)`, `run.report()`.

    Raises:
        DataError: a file that cannot be read, a column that is missing or not of its kind, a task
            without a label.
        ConfigError: an unknown setting or a bad value; all are named.
        RunExistsError: the folder holds a run; nothing in it was touched.
    """
    folder = run_table(
        table,
        targets,
        inputs=inputs,
        split=split,
        exclude=exclude,
        files=files,
        folder=None if run is None else Path(run),
        settings=settings,
        callbacks=with_progress([]) if progress else [],
    )
    return Run(folder, files=files)
