"""``plait reproduce``: published tables, with our figures beside those of their sources."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from plait.cli.arguments import Data, Jobs, Json, Out, Settings
from plait.cli.quick import load_torchmetrics
from plait.cli.settings import announce, apart, read_settings
from plait.core.command import command
from plait.core.errors import ConfigError, unknown

TABLES = {
    "multi-mnist": "two digits over each other (Sener, Koltun, NeurIPS 2018); needs MNIST",
    "tox21": "twelve assays of toxicity, split by scaffold (DeepChem); needs tox21",
    "census-income": "income and marriage (torch-rechub), as a guide; needs census-income",
    "school": "exam scores of 139 schools (Argyriou et al., NeurIPS 2006); needs school",
    "toy": "two losses of two parameters (CAGrad, Nash-MTL): who reaches the Pareto front?",
}
"""The published tables, and what each is."""

NOT_FOR = {"toy": ("--full", "--seeds", "--data"), "school": ("--full", "--jobs")}
TOY = ("methods", "scale", "steps")


def reproduce(
    name: Annotated[
        str | None, typer.Argument(help=f"Which table: {', '.join(TABLES)}. Without: the list.")
    ] = None,
    settings: Settings = None,
    full: Annotated[
        bool, typer.Option("--full", help="As many epochs as the source, where that is more.")
    ] = False,
    seeds: Annotated[
        int | None,
        typer.Option("--seeds", min=1, help="How often all is trained; 3, of school 10 divisions."),
    ] = None,
    jobs: Jobs = 1,
    data: Data = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Train a published table again, and show our figures beside those of its source.

    Call it again with the same --out, and it goes on where it was interrupted; what is finished is
    not repeated.

    Examples: plait reproduce toy |
    plait reproduce tox21 --data DIR |
    plait reproduce multi-mnist --data DIR epochs=1 --seeds 1
    """
    table, words = apart([name, *(settings or [])])
    if table is None:
        _list()
        return
    if table not in TABLES:
        raise ConfigError(unknown("table", table, TABLES))
    folder = out or Path("runs") / f"reproduce-{table}"
    given = {"--full": full, "--seeds": seeds, "--data": data, "--jobs": jobs > 1}
    for option in NOT_FOR.get(table, ()):
        if given[option]:
            raise ConfigError(f"{table} has no {option}. Leave it out.")
    announce(f"reproducing {table}; folder: {folder}")
    if table == "toy":
        _toy(folder, words, jobs, as_json=json)
    elif table == "school":
        _school(folder, words, seeds, data, as_json=json)
    else:
        _table(table, folder, words, full, seeds, jobs, data, as_json=json)


def _list() -> None:
    for name, about in TABLES.items():
        typer.echo(f"{name:<14} {about}")


def _table(
    name: str,
    folder: Path,
    words: list[str],
    full: bool,
    seeds: int | None,
    jobs: int,
    data: Path | None,
    *,
    as_json: bool,
) -> None:
    chosen = read_settings(words, None, {} if data is None else {"data": str(data)})
    load_torchmetrics()

    from plait.cli import show_reproduced as show
    from plait.experiments.reproduce.reproduce import SEEDS
    from plait.experiments.reproduce.reproduce import reproduce as reproduce_
    from plait.experiments.reproduce.tables import find_table
    from plait.reports import write_report
    from plait.training import ProgressBar

    found = reproduce_(
        find_table(name),
        folder,
        chosen,
        full=full,
        seeds=seeds or SEEDS,
        jobs=jobs,
        command=command(),
        callbacks=lambda label: [ProgressBar(label)],
        say=announce,
    )
    show.reproduced(found, write_report(folder), as_json=as_json)


def _toy(folder: Path, words: list[str], jobs: int, *, as_json: bool) -> None:
    from plait.experiments.overrides import parse

    options: dict[str, Any] = parse(words)
    for key in options:
        if key not in TOY:
            raise ConfigError(unknown("setting of toy", key, TOY))

    from plait.cli import show_reproduced as show
    from plait.experiments.reproduce.methods import balancing_methods
    from plait.experiments.reproduce.toy import toy
    from plait.reports import write_report

    if "methods" in options:
        wanted = options["methods"] or ""
        names = wanted if isinstance(wanted, list) else str(wanted).split(",")
        options["methods"] = balancing_methods([str(name).strip() for name in names])
    found = toy(folder, jobs=jobs, say=announce, **options)
    show.descents(found, write_report(folder), as_json=as_json)


def _school(
    folder: Path, words: list[str], seeds: int | None, data: Path | None, *, as_json: bool
) -> None:
    from plait.experiments.overrides import parse

    options = parse(words) | ({} if data is None else {"data": str(data)})
    load_torchmetrics()

    from plait.cli import show_reproduced as show
    from plait.experiments.reproduce.school import DIVISIONS, school

    divisions = seeds or DIVISIONS
    found = school(folder, options, seeds=divisions, command=command(), say=announce)
    show.reproduced(found, None, as_json=as_json)
