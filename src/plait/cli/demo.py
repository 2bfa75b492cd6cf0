"""``plait demo``: a comparison that needs no data."""

from __future__ import annotations

from typing import Annotated

import typer

from plait.cli.arguments import Json, Out, Settings
from plait.cli.quick import load_torchmetrics
from plait.cli.settings import announce, read_settings

DEMO = {"recipe": "digits"}
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
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, help="How often all is trained, to see the spread.")
    ] = 1,
    out: Out = None,
    json: Json = False,
) -> None:
    """Compare joint training with single-task training on digits in clutter; write a report."""
    from plait.runs import free_folder

    chosen = read_settings(settings or [], given=FAMILIES_DEMO if families else DEMO)
    folder = out or free_folder("families" if families else "demo")
    announce(f"comparing joint with single-task training on digits in clutter; folder: {folder}")
    load_torchmetrics()

    from plait.cli import show
    from plait.experiments import FAMILIES, JOINT, compare, validate, with_defaults
    from plait.reports import write_report
    from plait.training import ProgressBar

    shared = "three ways to share" if families else "one network for three tasks"
    announce("making the scenes")
    found = compare(
        validate(with_defaults(chosen)),
        folder,
        title=f"Digits in clutter: {shared}",
        members=FAMILIES if families else JOINT,
        seeds=seeds,
        callbacks=lambda label: [ProgressBar(label)],
    )
    show.comparison(found, write_report(folder), as_json=json)
