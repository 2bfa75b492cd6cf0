"""``plait train``: one run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from plait.cli.arguments import Count, Data, Json, Out, Settings, Timeout
from plait.cli.quick import load_torchmetrics
from plait.cli.settings import announce, apart, read_settings
from plait.cli.together import check_several, together
from plait.core.errors import ConfigError
from plait.core.launched import is_first, processes

AUTO = Path("auto")


def train(
    problem: Annotated[
        str | None,
        typer.Argument(
            help="A file of settings, such as config.yaml, which `plait init` writes; or a recipe, "
            "such as pets (see `plait list recipes`)."
        ),
    ] = None,
    settings: Settings = None,
    data: Data = None,
    out: Out = None,
    config: Annotated[Path | None, typer.Option("--config", hidden=True)] = None,
    start_from: Annotated[
        list[Path] | None,
        typer.Option("--from", help="Run whose weights to start with; may be given several times."),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            "--resume",
            help="Go on with the run in this folder; epochs=N trains longer. 'auto': with that in "
            "--out, or begin it.",
        ),
    ] = None,
    help_settings: Annotated[
        bool, typer.Option("--help-settings", help="List all settings of this run; train nothing.")
    ] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of the settings, for editors.")
    ] = False,
    nproc: Count = 1,
    timeout: Timeout = None,
    json: Json = False,
) -> None:
    """Train on a table of your own or on a known problem, test once, and write a report.

    Examples: plait train config.yaml balancing=UPGrad | plait train digits epochs=2 |
    plait train pets --data DIR balancing=UPGrad |
    plait train digits sharing=Separate connections=CrossStitch --from runs/a --from runs/b |
    plait train digits --nproc 2 |
    plait train --resume runs/digits epochs=20
    """
    if config is not None:
        raise ConfigError(f"--config is not needed: `plait train {config}`.")
    if schema:
        _print_schema()
        return
    check_several(timeout, nproc)
    problem, words = apart([problem, *(settings or [])])
    given: dict[str, Any] = {}
    if resume == AUTO:
        resume = _last(out)
    elif resume is not None:
        _check_alone(problem, data, start_from, out)
    if resume is not None:
        _resume(resume, words, nproc, timeout, json=json)
        return
    if data is not None:
        given["data"] = str(data)
    if start_from:
        given["start_from"] = [str(folder) for folder in start_from]
    if help_settings:
        _list_settings(words, problem, given, json=json)
        return
    _train(words, problem, given, out, nproc, timeout, json=json)


def _check_alone(*others: object) -> None:
    """Checks that nothing else is given beside `--resume`.

    Raises:
        ConfigError: a problem, data, runs to start from, or another run folder.
    """
    if any(others):
        raise ConfigError(
            "--resume goes on with its run; leave out everything but key=value, such as epochs=10."
        )


def _last(out: Path | None) -> Path | None:
    """Returns the folder of the run that `--resume auto` goes on with; None if it begins.

    Raises:
        ConfigError: the run folder is not named.
    """
    from plait.runs.folder import can_go_on, set_aside

    if out is None:
        raise ConfigError("--resume auto goes on with the run in --out, or begins it. Name it.")
    if can_go_on(out):
        return out
    aside = set_aside(out) if is_first() else None
    if aside is not None:
        announce(f"the run in {out} has no checkpoint yet; it is {aside} now, and begins anew")
    return None


def _train(
    words: list[str],
    problem: str | None,
    given: dict[str, Any],
    out: Path | None,
    nproc: int,
    timeout: float | None,
    *,
    json: bool,
) -> None:
    from plait.experiments.build.names import check_recipe, recipe_name, run_name
    from plait.runs import check_free, check_sources, free_folder

    settings = read_settings(words, problem, given)
    name = recipe_name(settings)
    check_recipe(name)
    check_sources(settings.get("start_from", []))
    if processes() > 1 and out is None:
        raise ConfigError("several processes share one run folder. Name it: --out FOLDER.")
    folder = out or free_folder(run_name(settings))
    if is_first():
        check_free(folder)
    if nproc > 1:
        options = [("--data", given.get("data")), ("--out", folder)]
        options += [("--from", each) for each in given.get("start_from", ())]
        told = [word for name, value in options if value is not None for word in (name, str(value))]
        together([*filter(None, [problem]), *words, *told], nproc, timeout, json=json)
        return
    what = settings.get("table") or ", ".join(settings.get("sources") or ()) or name
    announce(f"training {what}; run folder: {folder}")
    load_torchmetrics()

    from plait.cli import show
    from plait.cli.prepared import prepared
    from plait.distributed import joined
    from plait.experiments import run
    from plait.reports import write_report
    from plait.training.progress import with_progress

    with joined(timeout) as here:
        config, opened = prepared(settings)
        result = run(config, folder, callbacks=with_progress([]), problem=opened)
        if here.first:
            show.result(result, folder, write_report(folder), as_json=json)


def _print_schema() -> None:
    from json import dumps

    from plait.experiments.schema import settings_schema

    print(dumps(settings_schema(), indent=2))


def _list_settings(
    words: list[str], problem: str | None, given: dict[str, Any], *, json: bool
) -> None:
    settings = read_settings(words, problem, given)

    from plait.cli import listing
    from plait.experiments import with_defaults
    from plait.experiments.settings_list import run_settings

    known = with_defaults(settings) if {"recipe", "table"} & settings.keys() else settings
    listing.settings(run_settings(known), as_json=json)


def _resume(
    folder: Path, words: list[str], nproc: int, timeout: float | None, *, json: bool
) -> None:
    from plait.experiments.config import read_run

    changes = read_settings(words)
    read_run(folder, changes)  # said before torch is loaded
    if nproc > 1:
        together(["--resume", str(folder), *words], nproc, timeout, json=json)
        return
    announce(f"going on with the run in {folder}")
    load_torchmetrics()

    from plait.cli import show
    from plait.distributed import joined
    from plait.experiments import resume_run
    from plait.reports import write_report
    from plait.training.progress import with_progress

    announce("preparing the data")
    with joined(timeout) as here:
        result = resume_run(folder, changes=changes, callbacks=with_progress([]))
        if here.first:
            show.result(result, folder, write_report(folder), as_json=json)
