"""A run folder as one HTML page; reads files, loads no model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plait.core.extras import need

__all__ = ["report_csv", "report_numbers", "write_report"]


def write_report(folder: Path) -> Path:
    """Writes `report.html` into a run folder, or into that of a comparison.

    The page holds everything it shows, plotly.js included (about 5 MB), and its own rules forbid
    the browser to fetch anything. The same folder gives the same page, byte for byte.

    Args:
        folder: what one training run, comparison or search wrote; the run may still be going on.

    Returns:
        The path of the page.

    Raises:
        DataError: a file is missing or broken; the message names it.
        MissingExtraError: plotly, jinja2, pydantic or PyYAML is not installed.
    """
    _need("jinja2", "plotly")
    from plait.reports.pages.write import write  # only now: these imports need the extra

    return write(Path(folder))


def report_numbers(folder: Path) -> dict[str, Any]:
    """Returns the numbers of a folder's page, and its findings, ready for JSON.

    Of a comparison: what comparison.json holds, with ranks, costs and sentences. Of a run: its
    metrics, and its diagnosis if there is one. What is not defined is None.

    Args:
        folder: what one training run, one comparison or one diagnosis wrote.

    Raises:
        DataError: a file is missing or broken; the message names it.
        MissingExtraError: pydantic or PyYAML is not installed.
    """
    _need()
    from plait.reports.pages.numbers import numbers_of

    return numbers_of(Path(folder))


def report_csv(folder: Path) -> str:
    """Returns the numbers of a folder's page as CSV: member, seed, split, task, metric, value.

    Args:
        folder: what one training run or one comparison wrote.

    Raises:
        DataError: a file is missing or broken; the message names it.
        MissingExtraError: pydantic or PyYAML is not installed.
    """
    _need()
    from plait.reports.pages.numbers import csv_of

    return csv_of(Path(folder))


def _need(*modules: str) -> None:
    for module in (*modules, "pydantic", "yaml"):
        need(module, extra="app", purpose="a report")
