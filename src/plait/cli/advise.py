"""``plait advise``: one answer from a budget of minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from plait.cli.arguments import Data, Jobs, Json, Out, Problem, Settings
from plait.cli.quick import load_torchmetrics
from plait.cli.settings import announce, named_problem

Minutes = Annotated[float, typer.Option("--minutes", min=0.01, help="How long it may take, about.")]
Seeds = Annotated[int, typer.Option("--seeds", min=1, help="Seeds of the comparison, at most.")]


def advise(
    problem: Problem = None,
    settings: Settings = None,
    minutes: Minutes = 20.0,
    seeds: Seeds = 5,
    jobs: Jobs = 1,
    data: Data = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Say which tasks to train together, how, and what it brings.

    A short joint training is diagnosed, the few ways that the diagnosis speaks for are tried, and
    the best are compared with separate networks. Call it again with the same --out, and it goes on.

    Examples: plait advise config.yaml --minutes 30 | plait advise digits --minutes 4
    """
    chosen = named_problem(problem, settings or [], data)
    give_advice(chosen, {"minutes": minutes, "seeds": seeds, "jobs": jobs}, out, as_json=json)


def give_advice(
    chosen: dict[str, Any],
    how: dict[str, Any],
    out: Path | None,
    *,
    as_json: bool,
    name: str = "",
) -> None:
    """Runs the advice on some settings and shows it.

    Args:
        chosen: the settings.
        how: `minutes`, `seeds` and `jobs`.
        out: the folder; `runs/NAME` by default.
        as_json: print JSON alone.
        name: of the folder, where none is given.
    """
    from plait.experiments.build.names import run_name
    from plait.runs import free_folder

    folder = out or free_folder(name or f"advise-{run_name(chosen)}")
    announce(f"looking for advice within {how['minutes']:g} min; folder: {folder}")
    load_torchmetrics()

    from plait.cli import show, show_advice
    from plait.experiments import validate, with_defaults
    from plait.experiments.advise import advise as advise_
    from plait.reports import write_report
    from plait.training import ProgressBar

    advice, found = advise_(
        validate(with_defaults(chosen)),
        folder,
        title=f"{run_name(chosen)}: what to train",
        callbacks=lambda label: [ProgressBar(label)],
        say=announce,
        **how,
    )
    report = write_report(folder)
    if as_json:
        show_advice.as_json(advice, found, folder, report)
        return
    show.comparison(found, report, as_json=False, advised=True)
    show_advice.advice(advice, folder)
