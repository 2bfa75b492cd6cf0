"""``plait compare``: members against networks of one task each, from several seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from plait.cli.arguments import Data, Jobs, Json, Out, Problem, Settings
from plait.cli.quick import load_torchmetrics
from plait.cli.settings import announce, named_problem
from plait.core.errors import ConfigError, suggest
from plait.experiments.comparison.choices import EVERY_ROW, Budget
from plait.experiments.jobs.backends import BackendName

Members = Annotated[
    list[str] | None,
    typer.Option(
        "--members",
        help="What is compared: methods, such as MMoE or MMoE+UPGrad or CAGrad:c=0.4, or a file of "
        "members; several words or several options. By default one of each kind.",
    ),
]
RowWords = Annotated[
    str,
    typer.Option(
        "--rows",
        help=f"What else stands in the table: all, none, or some of {', '.join(EVERY_ROW)}.",
    ),
]
Seeds = Annotated[int, typer.Option("--seeds", min=1, help="How often all is trained.")]
BudgetWord = Annotated[
    str,
    typer.Option(
        "--budget",
        help="What all have alike: epochs, or time, the wall-clock time of the plain sum.",
    ),
]
Trials = Annotated[
    int,
    typer.Option(
        "--trials",
        min=0,
        help="Settings that are tried for each row, the single-task networks included, and chosen "
        "on the validation split.",
    ),
]
Backend = Annotated[
    str, typer.Option("--backend", help="loky for this machine; ray or dask for a cluster.")
]


def compare(
    problem: Problem = None,
    settings: Settings = None,
    members: Members = None,
    rows: RowWords = "all",
    seeds: Seeds = 3,
    budget: BudgetWord = "epochs",
    trials: Trials = 0,
    jobs: Jobs = 1,
    backend: Backend = "loky",
    data: Data = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Say whether joint training helps: members against networks of one task each, from seeds.

    The plain sum and the single-task networks are always in the table. Call it again with the same
    --out, and it goes on where it was interrupted; what is finished is not repeated.

    Examples: plait compare config.yaml --seeds 5 --jobs 2 |
    plait compare digits --members UPGrad,MMoE,CrossStitch |
    plait compare config.yaml --members members.yaml --trials 10 --out runs/compared
    """
    how = {
        "rows": _rows(rows, trials),
        "seeds": seeds,
        "budget": _choice("--budget", budget, get_args(Budget)),
        "trials": trials,
        "jobs": jobs,
        "backend": _choice("--backend", backend, get_args(BackendName)),
    }
    chosen = named_problem(problem, settings or [], data)
    _compare(chosen, [word for each in members or () for word in each.split(",")], how, out, json)


def _compare(
    chosen: dict[str, Any], words: list[str], how: dict[str, Any], out: Path | None, as_json: bool
) -> None:
    from plait.experiments.build.names import run_name
    from plait.experiments.comparison.named import members_of, told_whole
    from plait.runs import free_folder

    members = members_of([word for word in words if word])
    folder = out or free_folder(f"compare-{run_name(chosen)}")
    announce(f"comparing; folder: {folder}")
    load_torchmetrics()

    from plait.cli import show
    from plait.experiments import compare, open_problem, validate, with_defaults
    from plait.experiments.comparison.defaults import PLAIN_SUM, default_members
    from plait.reports import write_report
    from plait.training import ProgressBar

    config = validate(with_defaults(chosen))
    opened = open_problem(config)
    members = [told_whole(each, config) for each in members] or default_members(config, opened)
    optimizer = chosen.get("optimizer")
    found = compare(
        config,
        folder,
        title=f"{run_name(chosen)}: does joint training help?",
        members=[PLAIN_SUM, *(each for each in members if each.name != PLAIN_SUM.name)],
        problem=opened,
        rates=not (isinstance(optimizer, dict) and "lr" in optimizer),
        callbacks=lambda label: [ProgressBar(label)],
        say=announce,
        **how,
    )
    show.comparison(found, write_report(folder), as_json=as_json)


def _rows(words: str, trials: int) -> list[Any]:
    if words in ("all", "none"):
        return list(EVERY_ROW) if words == "all" else []
    found = [_choice("--rows", word.strip(), EVERY_ROW) for word in words.split(",")]
    if "tuned-weights" in found and not trials:
        raise ConfigError("--rows tuned-weights needs trials. Add --trials 10, or leave it out.")
    return found


def _choice(option: str, word: str, known: tuple[str, ...]) -> Any:
    if word not in known:
        raise ConfigError(
            f"{option} must be one of {', '.join(known)}; found {word!r}.{suggest(word, known)}"
        )
    return word
