"""``plait diagnose``: how the tasks of a run, or of a configuration, act on each other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plait.cli.arguments import Data, Json, Settings
from plait.cli.quick import load_torchmetrics
from plait.cli.settings import announce, apart, named_problem
from plait.core.errors import ConfigError

SECONDS = 20.0  # of a forecast
Out = Annotated[
    Path | None, typer.Option("--out", help="Folder of the short training of a configuration.")
]


def diagnose(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN | CONFIG",
            help="A run folder; or a file of settings, such as config.yaml, or a recipe, which is "
            "trained for a short while.",
        ),
    ] = None,
    settings: Settings = None,
    data: Data = None,
    out: Out = None,
    steps: Annotated[
        int, typer.Option("--steps", min=1, help="Steps of the short training, to its epoch's end.")
    ] = 200,
    minutes: Annotated[
        float, typer.Option("--minutes", min=0.01, help="That the short training takes at most.")
    ] = 2.0,
    batches: Annotated[
        int, typer.Option("--batches", min=1, help="Training batches that are measured.")
    ] = 16,
    forecast: Annotated[
        bool, typer.Option("--forecast/--no-forecast", help="Time a step with each balancer.")
    ] = True,
    json: Json = False,
) -> None:
    """Say how the tasks act on each other: conflict, scales, groups, and the cost of a balancer.

    Reads training data alone, and writes diagnosis.json into the run folder.

    Examples: plait diagnose runs/wine | plait diagnose config.yaml --steps 500
    """
    problem, words = apart([what, *(settings or [])])
    if problem is not None and Path(problem).is_dir():
        _run(Path(problem), words, batches, forecast=forecast, json=json)
        return
    read = named_problem(problem, words, data)

    from plait.experiments.build.names import run_name
    from plait.runs import check_free, free_folder

    folder = out or free_folder(f"{run_name(read)}-diagnosis")
    check_free(folder)
    announce(f"diagnosing after at most {steps} steps or {minutes:g} minutes in {folder}")
    load_torchmetrics()

    from plait.cli import diagnosis
    from plait.experiments import validate, with_defaults
    from plait.experiments.diagnosis import diagnose_config

    found = diagnose_config(
        validate(with_defaults(read)),
        folder,
        steps=steps,
        minutes=minutes,
        title=problem or str(folder),
        most=batches,
        forecast_seconds=SECONDS if forecast else None,
    )
    diagnosis.show(found, folder, as_json=json)


def _run(folder: Path, words: list[str], batches: int, *, forecast: bool, json: bool) -> None:
    """Diagnoses a run that is there, with its own settings."""
    from plait.runs.folder import check_run

    if words:
        raise ConfigError(
            f"a run is diagnosed with its own settings; found {words[0]!r}. Leave it out, or name "
            "a file of settings."
        )
    check_run(folder)
    announce(f"diagnosing the run in {folder}")
    load_torchmetrics()

    from plait.cli import diagnosis
    from plait.experiments.diagnosis import diagnose_run

    seconds = SECONDS if forecast else None
    found = diagnose_run(folder, most=batches, forecast_seconds=seconds)
    diagnosis.show(found, folder, as_json=json)
