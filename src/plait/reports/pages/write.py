"""The page: the folder's kind decides what is put into which template."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from plait.core.errors import DataError
from plait.core.files import write_text
from plait.reports.pages.families import families_page
from plait.reports.pages.run import comparison_page, run_page

# The file that makes a folder one of a kind, and what shows it; the first that is there counts.
_PAGES = {
    "families.json": (families_page, "families.html.j2"),
    "comparison.json": (comparison_page, "report.html.j2"),
    "events.jsonl": (run_page, "report.html.j2"),
}


def write(folder: Path) -> Path:
    """Writes `report.html` into a folder; see `plait.reports.write_report`."""
    found = next((name for name in _PAGES if (folder / name).exists()), None)
    if found is None:
        raise DataError(
            f"{folder} holds neither events.jsonl nor comparison.json nor families.json. "
            "Give the folder of a training run or of a comparison."
        )
    page, template = _PAGES[found]
    path = folder / "report.html"
    write_text(path, _template(template).render(page(folder)))
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
