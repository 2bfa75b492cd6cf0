"""``plait report``: the page of a run folder, written anew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plait.cli.arguments import Json


def report(
    folder: Annotated[Path, typer.Argument(help="Run folder, or folder of a comparison.")],
    json: Json = False,
) -> None:
    """Write report.html anew from the files of a run folder."""
    from plait.cli import show
    from plait.reports import write_report

    show.path(write_report(folder), as_json=json)
