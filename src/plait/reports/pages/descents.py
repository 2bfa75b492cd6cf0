"""The page on descents of two losses: who reaches the Pareto front."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plait.reports.charts.descents import descent_chart, descent_table
from plait.runs.descents import Descents, read_descents


def descents_page(folder: Path) -> dict[str, Any]:
    """Returns the variables of the template for a folder with `descents.json`."""
    found = read_descents(folder)
    return {
        "title": found.title,
        "kind": "Published problem",
        "headline": descents_headline(found),
        "note": found.note,
        "sources": found.sources,
        "table": descent_table(found),
        "chart": descent_chart(found),
    }


def descents_headline(found: Descents) -> str:
    """Says how many methods reach the front from all starts, and which do not."""
    tried = [method for method in found.methods if method.descents]
    if not tried:
        return "No method has descended."
    short = [m.name for m in tried if m.reaching(found.tolerance) < len(m.descents)]
    starts = len(tried[0].descents)
    beginning = f"{len(tried) - len(short)} of {len(tried)} methods"
    whole = f"{beginning} reach the Pareto front from all {starts} starts"
    return f"{whole}; not so {', '.join(short)}." if short else f"{whole}."
