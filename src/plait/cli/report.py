"""``plait report``: the page of a run folder, written anew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plait.cli.arguments import Json


def report(
    folder: Annotated[
        Path, typer.Argument(help="Run folder, or folder of a comparison or a diagnosis.")
    ],
    json: Json = False,
    csv: Annotated[
        bool, typer.Option("--csv", help="Print the numbers of the page as CSV on stdout.")
    ] = False,
) -> None:
    """Write report.html anew from the files of a run folder; print its numbers if asked."""
    from plait.cli import show
    from plait.core.errors import ConfigError
    from plait.reports import report_csv, report_numbers, write_report

    if json and csv:
        raise ConfigError("--json and --csv both print to stdout. Ask for one of them.")
    path = write_report(folder)
    if csv:
        print(report_csv(folder), end="")
    elif json:
        show.numbers({"report": str(path), **report_numbers(folder)})
    else:
        show.path(path, as_json=False)
