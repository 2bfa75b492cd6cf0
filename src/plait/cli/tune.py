"""``plait tune``: a search for settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from plait.cli.arguments import Data, Json, Problem, Settings
from plait.cli.quick import load_torchmetrics
from plait.cli.settings import announce, named_problem

if TYPE_CHECKING:
    from plait.runs.tuning import Tuning

FAILED = 1  # exit code where no trial was trained


def tune(
    problem: Problem = None,
    settings: Settings = None,
    over: Annotated[
        list[str] | None,
        typer.Option(
            "--over",
            help="What to search: optimizer.lr=1e-4..1e-2, sharing.experts=2,4,8, "
            "balancing=Equal,UPGrad, weights, or a file. May be given several times.",
        ),
    ] = None,
    trials: Annotated[
        int, typer.Option("--trials", min=1, help="Trials of the search, earlier ones among them.")
    ] = 20,
    objective: Annotated[
        Literal["rule", "task"],
        typer.Option("--objective", help="The score by the rule, or the main metric of each task."),
    ] = "rule",
    jobs: Annotated[
        int, typer.Option("--jobs", min=1, help="Trials to train at a time, in processes.")
    ] = 1,
    final_seeds: Annotated[
        int,
        typer.Option(
            "--final-seeds", min=0, help="Seeds to train and test the best settings with."
        ),
    ] = 1,
    search_seed: Annotated[
        int, typer.Option("--search-seed", min=0, help="Of the settings that are tried.")
    ] = 0,
    prune: Annotated[
        bool, typer.Option("--prune/--no-prune", help="Whether worse trials end early.")
    ] = True,
    data: Data = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the search; runs/NAME-tune by default.")
    ] = None,
    json: Json = False,
) -> None:
    """Search for the learning rate, weights and options that do best on the validation data.

    The best settings are then trained again, and tested once. The same command goes on with a
    search that was interrupted; given twice at a time, both work on one search.

    Examples: plait tune config.yaml --trials 30 |
    plait tune config.yaml --over optimizer.lr=1e-4..1e-2 --over balancing=Equal,UPGrad |
    plait tune digits sharing=MMoE --over default --over sharing.experts=2,4,8 --objective task
    """
    from plait.experiments.search.entries import check_entries

    read = named_problem(problem, settings or [], data)
    check_entries(over or [])
    options = {"objective": objective, "seed": search_seed, "prune": prune, "trials": trials}
    found = _search(read, over or [], out, options, jobs=jobs, finals=final_seeds, json=json)
    if found.best < 0:
        raise typer.Exit(FAILED)


def _search(
    settings: dict[str, Any],
    over: list[str],
    out: Path | None,
    options: dict[str, Any],
    *,
    jobs: int,
    finals: int,
    json: bool,
) -> Tuning:
    from plait.experiments.build.names import run_name

    name = run_name(settings)
    folder = out or Path("runs") / f"{name}-tune"
    announce(f"searching for settings of {name}; folder: {folder}")
    load_torchmetrics()

    from plait.cli import tuning
    from plait.cli.prepared import prepared
    from plait.experiments.search import Search, read_space
    from plait.experiments.search import tune as search_for
    from plait.reports import write_report

    config, opened = prepared(settings)
    found = search_for(
        Search(config, folder, read_space(over, config, opened), **options),
        title=f"Settings of {name}",
        problem=opened,
        jobs=jobs,
        finals=finals,
        say=announce,
    )
    tuning.show(found, folder, write_report(folder), as_json=json)
    return found
