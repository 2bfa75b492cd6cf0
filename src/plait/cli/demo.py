"""``plait demo``: one answer on a problem that needs no data."""

from __future__ import annotations

from typing import Annotated

import typer

from plait.cli.advise import Minutes, give_advice
from plait.cli.arguments import Json, Out, Settings
from plait.cli.quick import load_torchmetrics
from plait.cli.settings import announce, read_settings

DEMO = {"recipe": {"class": "digits", "scenes": 1000}}
MINUTES = 3.0
FAMILIES_DEMO = {
    "recipe": {"class": "digits", "scenes": 1500},
    "balancing": "Equal",
    "epochs": 12,
}


def demo(
    settings: Settings = None,
    families: Annotated[
        bool, typer.Option("--families", help="One member of each way of sharing, side by side.")
    ] = False,
    minutes: Minutes = MINUTES,
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, help="How often all is trained, to see the spread.")
    ] = 1,
    out: Out = None,
    json: Json = False,
) -> None:
    """Ask for advice on digits in clutter: joint, separate or between? Write a report.

    With --families, one member of each way of sharing is compared with separate networks instead.
    """
    if families:
        _families(read_settings(settings or [], given=FAMILIES_DEMO), seeds, out, as_json=json)
        return
    from plait.experiments.build.names import check_recipe, recipe_name

    chosen = read_settings(settings or [], given=DEMO)
    check_recipe(recipe_name(chosen))
    how = {"minutes": minutes, "seeds": seeds, "jobs": 1}
    give_advice(chosen, how, out, as_json=json, name="demo")


def _families(chosen: dict[str, object], seeds: int, out: Out, *, as_json: bool) -> None:
    from plait.runs import free_folder

    folder = out or free_folder("families")
    announce(f"comparing three ways to share on digits in clutter; folder: {folder}")
    load_torchmetrics()

    from plait.cli import show
    from plait.experiments import FAMILIES, compare, validate, with_defaults
    from plait.reports import write_report
    from plait.training import ProgressBar

    found = compare(
        validate(with_defaults(chosen)),
        folder,
        title="Digits in clutter: three ways to share",
        members=FAMILIES,
        seeds=seeds,
        callbacks=lambda label: [ProgressBar(label)],
    )
    show.comparison(found, write_report(folder), as_json=as_json)
