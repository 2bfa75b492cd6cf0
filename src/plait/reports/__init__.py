"""A run folder as one HTML page; reads files, loads no model."""

from __future__ import annotations

from pathlib import Path

from plait.core.extras import need

__all__ = ["write_report"]


def write_report(folder: Path) -> Path:
    """Writes `report.html` into a run folder, or into that of a comparison.

    The page holds everything it shows, plotly.js included (about 5 MB), and its own rules forbid
    the browser to fetch anything. The same folder gives the same page, byte for byte.

    Args:
        folder: what one training run or one comparison wrote; the run may still be going on.

    Returns:
        The path of the page.

    Raises:
        DataError: a file is missing or broken; the message names it.
        MissingExtraError: plotly, jinja2, pydantic or PyYAML is not installed.
    """
    for module in ("jinja2", "plotly", "pydantic", "yaml"):
        need(module, extra="app", purpose="a report")
    from plait.reports.pages.write import write  # only now: these imports need the extra

    return write(Path(folder))
