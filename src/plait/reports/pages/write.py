"""The page of a folder: which template it gets, and with which variables."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from plait.core.errors import DataError
from plait.core.files import write_text
from plait.reports.draw.plotly_js import packed_library
from plait.reports.pages.comparison import comparison_page
from plait.reports.pages.descents import descents_page
from plait.reports.pages.diagnosis import diagnosis_page
from plait.reports.pages.run import run_page
from plait.reports.pages.tuning import tuning_page
from plait.runs.folder import COMPARISON, DESCENTS, DIAGNOSIS, EVENTS, REPORT, TUNING

# The file that makes a folder one of a kind, and what shows it; the first that is there counts.
_PAGES = {
    COMPARISON: (comparison_page, "comparison.html.j2"),
    EVENTS: (run_page, "run.html.j2"),
    DIAGNOSIS: (diagnosis_page, "diagnosis.html.j2"),
    TUNING: (tuning_page, "tuning.html.j2"),
    DESCENTS: (descents_page, "descents.html.j2"),
}


def write(folder: Path) -> Path:
    """Writes `report.html` into a folder; see `plait.reports.write_report`."""
    kind = next((name for name in _PAGES if (folder / name).exists()), None)
    if kind is None:
        raise DataError(
            f"{folder} holds no {EVENTS}, no {COMPARISON}, no {DIAGNOSIS} and no {TUNING}. Give "
            "the folder of a training run, of a comparison, of a diagnosis or of a search."
        )
    page, template = _PAGES[kind]
    path = folder / REPORT
    frame = {"version": version("plait"), "plotly": packed_library()}
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
    environment.filters["coded"] = _coded
    return environment.get_template(name)


def _coded(text: str) -> Markup:
    """Shows what stands between backticks, such as the name of a task, as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))
