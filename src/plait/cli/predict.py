"""``plait predict``: a trained run on new rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plait.cli.arguments import Source
from plait.cli.quick import load_torchmetrics
from plait.cli.settings import announce


def predict(
    run: Annotated[Path, typer.Argument(help="Run folder of a training on a table.")],
    table: Annotated[Path, typer.Argument(help="Table with the columns that the model reads.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="File to write; its name says the format.")
    ] = Path("predictions.csv"),
    tasks: Annotated[
        list[str] | None, typer.Option("--tasks", help="Tasks that are wanted; all by default.")
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option("--keep", help="Column of the table that goes before them, such as an id."),
    ] = None,
    source: Source = None,
    files: Annotated[
        Path | None,
        typer.Option("--files", help="Folder of the table's pictures and sounds; its own."),
    ] = None,
) -> None:
    """Predict the rows of a table: a column for each task, and the probabilities.

    Masks and maps are files in a folder beside it, NAME_files. The table may be larger than memory.
    Examples: plait predict runs/wine new.csv -o out.csv |
    plait predict runs/wine new.parquet -o out.csv.gz --tasks quality,colour --keep id |
    plait predict runs/mixture new.csv --source shop
    """
    from plait.core.errors import ConfigError
    from plait.runs.folder import check_run

    check_run(run)
    if out.exists() and out.samefile(table):
        raise ConfigError(f"--out names the table itself, {table}. Name another file.")
    announce(f"predicting {table} by {run}")
    load_torchmetrics()

    from plait.cli.bar import reading
    from plait.experiments.trained import Trained

    trained = Trained(run, files=files, source=source)
    with reading(table.name) as progress:
        rows = trained.predict_file(
            table, out, words_of(tasks), keep=words_of(keep) or (), progress=progress
        )
    for sentence in trained.surprises:
        announce(sentence)
    print(f"{rows:,} rows: {out}")


def words_of(given: list[str] | None) -> list[str] | None:
    """Returns the names of an option that may be given several times, or once with commas."""
    return None if given is None else [name for word in given for name in word.split(",") if name]
