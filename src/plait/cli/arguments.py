"""Arguments that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Settings = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY=VALUE]...", help="Settings, such as epochs=5 balancing=UPGrad."),
]
Problem = Annotated[
    str | None,
    typer.Argument(
        help="A file of settings, such as config.yaml, which `plait init` writes; or a recipe, "
        "such as pets."
    ),
]
Data = Annotated[Path | None, typer.Option("--data", help="Data folder.")]
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Runs at once.")]
Out = Annotated[Path | None, typer.Option("--out", help="Run folder; runs/NAME by default.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Preference = Annotated[
    list[str] | None,
    typer.Option(
        "--preference",
        metavar="TASK=NUMBER",
        help="Of a run with sharing=PaLoRA: how much a task counts, 1 if it is not named; all 1 by "
        "default.",
    ),
]
Source = Annotated[
    str | None,
    typer.Option("--source", help="Of a run on several data sets, the one that TABLE is like."),
]

Count = Annotated[
    int,
    typer.Option("--nproc", min=1, help="Processes on this machine that train together as one."),
]

Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        help="Of several processes: how long they wait for one of them; by default 1800.",
    ),
]
