"""The page of a folder: which template it gets, and with which variables."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from plait.core.errors import DataError
from plait.core.files import write_text
from plait.reports.pages.comparison import comparison_page
from plait.reports.pages.run import run_page
from plait.runs.folder import COMPARISON, EVENTS, REPORT

# The file that makes a folder one of a kind, and what shows it; the first that is there counts.
_PAGES = {
    COMPARISON: (comparison_page, "comparison.html.j2"),
    EVENTS: (run_page, "run.html.j2"),
}


def write(folder: Path) -> Path:
    """Writes `report.html` into a folder; see `plait.reports.write_report`."""
    kind = next((name for name in _PAGES if (folder / name).exists()), None)
    if kind is None:
        raise DataError(
            f"{folder} holds neither {EVENTS} nor {COMPARISON}. "
            "Give the folder of a training run or of a comparison."
        )
    page, template = _PAGES[kind]
    path = folder / REPORT
    frame = {"version": version("plait"), "plotly": Markup(get_plotlyjs())}
    write_text(path, _template(template).render(**frame, **page(folder)))
    return path


def _template(name: str) -> Any:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)
