"""What the template shows of families side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plait.reports.charts.changes import change_chart, family_curves, named_looks
from plait.reports.charts.inside import inside_charts
from plait.reports.charts.penalties import term_chart
from plait.reports.draw.curves import Chart, View
from plait.reports.draw.style import looks
from plait.reports.draw.tables import settings_table
from plait.reports.pages.cards import read_cards
from plait.reports.pages.run import frame
from plait.reports.pages.tables import cost_table, settings_tables, value_table
from plait.reports.read.families import Families, read_families
from plait.reports.read.run import Run
from plait.reports.words.family_verdict import best_of, family_headline, family_verdicts
from plait.reports.words.notices import notices


@dataclass(frozen=True)
class Inside:
    """The penalties of one family's run, and what its methods recorded of themselves."""

    name: str
    charts: list[Chart]


def families_page(folder: Path) -> dict[str, Any]:
    """Returns what the template shows of a families folder."""
    found, runs, single = read_families(folder)
    looks_of = looks(runs, dashed=True)
    best = (best_of(found) or found.runs[0]).folder
    differ, same = settings_tables(found, runs)
    return {
        **frame(),
        "title": found.title,
        "kind": "Families of sharing, side by side",
        "note": found.note,
        "notices": [
            each for name, run in runs.items() for each in notices(run, found.labels[name])
        ],
        "cut_off": [found.labels[name] for name, run in runs.items() if not run.whole],
        "headline": family_headline(found),
        "verdicts": family_verdicts(found),
        "looks": looks_of,
        "named": named_looks(found, looks_of),
        "values": value_table(found),
        "cost": cost_table(found),
        "change": change_chart(found, looks_of),
        "curves": family_curves(found, runs, single, looks_of),
        "inside": _inside(found, runs),
        "best": found.labels[best],
        "cards": read_cards(runs[best].folder / "gallery"),
        "differ": differ,
        "same": same,
        "env": runs[best].env and settings_table(runs[best].env or {}, "Environment"),
    }


def _inside(found: Families, runs: Mapping[str, Run]) -> list[Inside]:
    """Returns the charts of each run that has any."""
    shown = []
    for index, (folder, run) in enumerate(runs.items()):
        own = looks(run.tasks)
        terms = term_chart(View(run, {}, own), f"terms-{index}")
        charts = [*([] if terms.missing else [terms]), *inside_charts(run, own, f"inside-{index}")]
        if charts:
            shown.append(Inside(found.labels[folder], charts))
    return shown
