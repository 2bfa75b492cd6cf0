"""``plait evaluate``: a trained run on labelled rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plait.cli.arguments import Json, Preference, Source
from plait.cli.predict import preference_of, preferred, words_of
from plait.cli.quick import load_torchmetrics
from plait.cli.settings import announce


def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder of a training on a table.")],
    table: Annotated[Path, typer.Argument(help="Table with the inputs and the labels.")],
    tasks: Annotated[
        list[str] | None,
        typer.Option("--tasks", help="Tasks to measure; all whose columns are there by default."),
    ] = None,
    preference: Preference = None,
    source: Source = None,
    files: Annotated[
        Path | None,
        typer.Option("--files", help="Folder of the table's pictures and sounds; its own."),
    ] = None,
    json: Json = False,
) -> None:
    """Measure a trained run on a labelled table; an empty cell is no label.

    Examples: plait evaluate runs/wine labelled.csv |
    plait evaluate runs/mixture labelled.csv --source shop |
    plait evaluate runs/slider labelled.csv --preference quality=1,colour=0
    """
    from plait.runs.folder import check_run

    check_run(run)
    given = preference_of(preference)
    announce(f"evaluating {run} on {table}")
    load_torchmetrics()

    from plait.cli import show
    from plait.experiments.trained import Trained

    trained = Trained(run, files=files, source=source)
    found = trained.evaluate(table, words_of(tasks), preference=given)
    for sentence in [*preferred(given, trained.model.tasks), *trained.surprises]:
        announce(sentence)
    show.evaluation(found, title=f"{table.name}, {run}", as_json=json)
