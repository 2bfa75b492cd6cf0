"""The commands. Each parses its arguments, calls one function, and shows what it returns."""

from __future__ import annotations

import importlib.metadata
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from plait.cli import show
from plait.core.errors import ConfigError
from plait.experiments import (
    FAMILIES,
    JOINT,
    catalogue,
    compare,
    kebab,
    merge,
    parse,
    read_yaml,
    recipe_class,
    resume_run,
    run,
    validate,
    with_defaults,
)
from plait.reports import write_report
from plait.runs import free_folder
from plait.training import Interrupted, ProgressBar


class Commands(TyperGroup):
    """Says how a command was interrupted; typer would end with 130 at any signal, in silence."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            number = error.signal if isinstance(error, Interrupted) else signal.SIGINT
            print(f"plait: {error if error.args else 'interrupted'}", file=sys.stderr)
            sys.exit(128 + number)


app = typer.Typer(
    name="plait",
    cls=Commands,
    help="Train one network for several tasks, and see whether it helped.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

DEMO = {"recipe": "digits"}
FAMILIES_DEMO = {
    "recipe": {"class": "digits", "scenes": 1500},
    "balancing": "Equal",
    "epochs": 12,
}

Settings = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY=VALUE]...", help="Settings, such as epochs=5 balancing=UPGrad."),
]
Out = Annotated[Path | None, typer.Option("--out", help="Run folder; runs/NAME by default.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.callback(invoke_without_command=True)
def plait(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Train one network for several tasks, and see whether it helped."""
    if version:
        typer.echo(importlib.metadata.version("plait"))
        raise typer.Exit


@app.command()
def demo(
    settings: Settings = None,
    families: Annotated[
        bool, typer.Option("--families", help="One member of each way of sharing, side by side.")
    ] = False,
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, help="How often all is trained, to see the spread.")
    ] = 1,
    out: Out = None,
    json: Json = False,
) -> None:
    """Compare joint training with single-task training on digits in clutter; write a report."""
    folder = out or free_folder("families" if families else "demo")
    shared = "three ways to share" if families else "one network for three tasks"
    found = compare(
        validate(with_defaults(merge(FAMILIES_DEMO if families else DEMO, parse(settings or [])))),
        folder,
        title=f"Digits in clutter: {shared}",
        members=FAMILIES if families else JOINT,
        seeds=seeds,
        callbacks=lambda label: [ProgressBar(label)],
    )
    show.comparison(found, write_report(folder), as_json=json)


@app.command()
def train(
    recipe: Annotated[
        str | None, typer.Argument(help="The problem, such as pets; see `plait list recipes`.")
    ] = None,
    settings: Settings = None,
    data: Annotated[Path | None, typer.Option("--data", help="Data folder.")] = None,
    out: Out = None,
    config: Annotated[Path | None, typer.Option("--config", help="YAML file of settings.")] = None,
    start_from: Annotated[
        list[Path] | None,
        typer.Option("--from", help="Run whose weights to start with; may be given several times."),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option("--resume", help="Go on with the run in this folder.")
    ] = None,
    json: Json = False,
) -> None:
    """Train on a known problem, test once, and write a report.

    Examples: plait train digits epochs=2 | plait train pets --data DIR balancing=UPGrad |
    plait train digits sharing=Separate connections=CrossStitch --from runs/a --from runs/b
    """
    if resume is not None:
        if any((recipe, settings, data, start_from, out, config)):
            raise ConfigError("--resume takes the settings of its run; leave out everything else.")
        result = resume_run(resume, callbacks=[ProgressBar()])
    else:
        chosen = read_yaml(config) if config else {}
        words = list(settings or [])
        if recipe is not None and "=" in recipe:  # the problem is in the file
            words.insert(0, recipe)
        elif recipe is not None:
            chosen = merge(chosen, {"recipe": recipe})
        if data is not None:
            chosen["data"] = str(data)
        if start_from:
            chosen["start_from"] = [str(folder) for folder in start_from]
        resolved = validate(with_defaults(merge(chosen, parse(words))))
        folder = out or free_folder(kebab(recipe_class(resolved.recipe.name).__name__))
        result = run(resolved, folder, callbacks=[ProgressBar()])
    show.result(result, write_report(result.folder), as_json=json)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="Run folder, or folder of a comparison.")],
    json: Json = False,
) -> None:
    """Write report.html anew from the files of a run folder."""
    show.path(write_report(folder), as_json=json)


@app.command(name="list")
def list_(
    family: Annotated[str | None, typer.Argument(help="One family, such as balancing.")] = None,
    json: Json = False,
) -> None:
    """List methods, tasks and recipes by family."""
    show.catalogue(catalogue(family), as_json=json)
