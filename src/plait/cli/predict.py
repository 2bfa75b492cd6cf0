"""``plait predict``: a trained run on new rows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from plait.cli.arguments import Preference, Source
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
    preference: Preference = None,
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
    plait predict runs/mixture new.csv --source shop |
    plait predict runs/slider new.csv --preference quality=3,colour=1
    """
    from plait.core.errors import ConfigError
    from plait.runs.folder import check_run

    check_run(run)
    given = preference_of(preference)
    if out.exists() and out.samefile(table):
        raise ConfigError(f"--out names the table itself, {table}. Name another file.")
    announce(f"predicting {table} by {run}")
    load_torchmetrics()

    from plait.cli.bar import reading
    from plait.experiments.trained import Trained

    trained = Trained(run, files=files, source=source)
    with reading(table.name) as progress:
        rows = trained.predict_file(
            table,
            out,
            words_of(tasks),
            keep=words_of(keep) or (),
            progress=progress,
            preference=given,
        )
    for sentence in [*preferred(given, trained.model.tasks), *trained.surprises]:
        announce(sentence)
    print(f"{rows:,} rows: {out}")


def preference_of(given: list[str] | None) -> dict[str, float] | None:
    """Returns `{task: number}` of an option ``--preference``; None where it was not given.

    Raises:
        ConfigError: a word is not TASK=NUMBER, or two name one task.
    """
    from plait.core.errors import ConfigError

    words = words_of(given)
    if words is None:
        return None
    found: dict[str, float] = {}
    for word in words:
        task, _, number = word.rpartition("=")
        try:
            value = float(number)
        except ValueError:
            task = ""
        if not task:
            raise ConfigError(f"--preference must be TASK=NUMBER, as in quality=3; found {word!r}.")
        if task in found:
            raise ConfigError(f"--preference names {task!r} twice. Name it once.")
        found[task] = value
    return found


def preferred(preference: dict[str, float] | None, tasks: Iterable[str]) -> list[str]:
    """Returns the line that says what a preference means; none without one.

    Args:
        preference: `{task: number}`, of a model that was asked for it.
        tasks: those of the model.
    """
    from plait.sharing.preference.shares import shares_of

    if preference is None:
        return []
    shares = shares_of(preference, list(tasks)).items()
    return [f"preference: {', '.join(f'{task} {100 * share:.3g} %' for task, share in shares)}"]


def words_of(given: list[str] | None) -> list[str] | None:
    """Returns the names of an option that may be given several times, or once with commas."""
    return None if given is None else [name for word in given for name in word.split(",") if name]
