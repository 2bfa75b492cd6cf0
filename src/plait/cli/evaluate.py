"""``plait evaluate``: a trained run on labelled rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plait.cli.arguments import Json, Source
from plait.cli.predict import words_of
from plait.cli.quick import load_torchmetrics
from plait.cli.settings import announce


def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder of a training on a table.")],
    table: Annotated[Path, typer.Argument(help="Table with the inputs and the labels.")],
    tasks: Annotated[
        list[str] | None,
        typer.Option("--tasks", help="Tasks to measure; all whose columns are there by default."),
    ] = None,
    source: Source = None,
    files: Annotated[
        Path | None,
        typer.Option("--files", help="Folder of the table's pictures and sounds; its own."),
    ] = None,
    json: Json = False,
) -> None:
    """Measure a trained run on a labelled table; an empty cell is no label.

    Examples: plait evaluate runs/wine labelled.csv |
    plait evaluate runs/mixture labelled.csv --source shop
    """
    from plait.runs.folder import check_run

    check_run(run)
    announce(f"evaluating {run} on {table}")
    load_torchmetrics()

    from plait.cli import show
    from plait.experiments.trained import Trained

    trained = Trained(run, files=files, source=source)
    found = trained.evaluate(table, words_of(tasks))
    for sentence in trained.surprises:
        announce(sentence)
    show.evaluation(found, title=f"{table.name}, {run}", as_json=json)
