"""``plait compare``: members against networks of one task each, from several seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from plait.cli.arguments import Json, Out, Settings
from plait.cli.quick import load_torchmetrics
from plait.cli.settings import announce, apart, read_settings
from plait.core.errors import ConfigError

ROWS = ("same-size", "tuned-weights", "late-weights", "merged", "classical")


def compare(
    problem: Annotated[
        str | None,
        typer.Argument(
            help="A file of settings, such as config.yaml, which `plait init` writes; or a recipe."
        ),
    ] = None,
    settings: Settings = None,
    members: Annotated[
        list[str] | None,
        typer.Option(
            "--members",
            help="What is compared: methods, such as MMoE or MMoE+UPGrad or CAGrad:c=0.4, or a "
            "file of members; several words or several options. By default one of each kind.",
        ),
    ] = None,
    rows: Annotated[
        str,
        typer.Option(
            "--rows",
            help=f"What else stands in the table: all, none, or some of {', '.join(ROWS)}.",
        ),
    ] = "all",
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How often all is trained.")] = 3,
    budget: Annotated[
        str,
        typer.Option(
            "--budget",
            help="What all have alike: epochs, or time, the wall-clock time of the plain sum.",
        ),
    ] = "epochs",
    trials: Annotated[
        int,
        typer.Option(
            "--trials",
            min=0,
            help="Settings that are tried for each row, the single-task networks included, and "
            "chosen on the validation split.",
        ),
    ] = 0,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Runs at once.")] = 1,
    backend: Annotated[
        str, typer.Option("--backend", help="loky for this machine; ray or dask for a cluster.")
    ] = "loky",
    data: Annotated[Path | None, typer.Option("--data", help="Data folder.")] = None,
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
    problem, words = apart([problem, *(settings or [])])
    given: dict[str, Any] = {} if data is None else {"data": str(data)}
    equal = _choice("--budget", budget, ("epochs", "time"))
    workers = _choice("--backend", backend, ("loky", "ray", "dask"))
    wanted = _rows(rows)

    from plait.experiments.build.names import check_recipe, recipe_name, run_name
    from plait.experiments.comparison.named import members_of
    from plait.runs import free_folder

    chosen = read_settings(words, problem, given)
    check_recipe(recipe_name(chosen))
    named = members_of([word for each in members or () for word in each.split(",") if word])
    folder = out or free_folder(f"compare-{run_name(chosen)}")
    announce(f"comparing; folder: {folder}")
    load_torchmetrics()

    from plait.cli import show
    from plait.experiments import open_problem, validate, with_defaults
    from plait.experiments.comparison.compare import compare as compare_
    from plait.experiments.comparison.defaults import PLAIN_SUM, default_members
    from plait.reports import write_report
    from plait.training import ProgressBar

    config = validate(with_defaults(chosen))
    if not named:
        named = default_members(config, open_problem(config))
    found = compare_(
        config,
        folder,
        title=f"{run_name(chosen)}: does joint training help?",
        members=[PLAIN_SUM, *(each for each in named if each.name != PLAIN_SUM.name)],
        rows=wanted,
        seeds=seeds,
        budget=equal,
        trials=trials,
        rates="lr" not in _options(chosen.get("optimizer")),
        jobs=jobs,
        backend=workers,
        callbacks=lambda label: [ProgressBar(label)],
        say=announce,
    )
    show.comparison(found, write_report(folder), as_json=json)


def _rows(words: str) -> list[Any]:
    if words in ("all", "none"):
        return list(ROWS) if words == "all" else []
    return [_choice("--rows", word, ROWS) for word in words.split(",")]


def _choice(option: str, word: str, known: tuple[str, ...]) -> Any:
    from plait.core.errors import suggest

    if word not in known:
        raise ConfigError(
            f"{option} must be one of {', '.join(known)}; found {word!r}.{suggest(word, known)}"
        )
    return word


def _options(method: Any) -> dict[str, Any]:
    return method if isinstance(method, dict) else {}
