"""What the templates show of a run and of a comparison."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup
from plotly.offline import get_plotlyjs

from plait import __version__
from plait.reports.charts.conflict import conflict_charts
from plait.reports.charts.inside import inside_charts
from plait.reports.charts.penalties import term_chart
from plait.reports.charts.training import (
    loss_chart,
    norm_chart,
    rate_chart,
    validation_chart,
    weight_chart,
)
from plait.reports.draw.curves import Chart, View
from plait.reports.draw.plot import draw_bars
from plait.reports.draw.style import Look, Panel, looks
from plait.reports.draw.tables import comparison_table, metric_table, settings_table
from plait.reports.pages.cards import read_cards
from plait.reports.read.comparison import Comparison, read_comparison
from plait.reports.read.run import Run, read_run
from plait.reports.words.notices import notices
from plait.reports.words.text import duration, number, per_cent
from plait.reports.words.verdict import cost, headline, run_headline, task_verdicts

_MOST_BARS = 24


@dataclass(frozen=True)
class Tile:
    """One number of the summary."""

    name: str
    value: str


def run_page(folder: Path) -> dict[str, Any]:
    """Returns what the template shows of one run."""
    run = read_run(folder)
    view = View(run, {}, looks(run.tasks))
    return {
        **_common(view),
        "title": folder.resolve().name,
        "kind": "Training run",
        "comparison": None,
        "headline": run_headline(run),
        "metrics": metric_table(run),
    }


def comparison_page(folder: Path) -> dict[str, Any]:
    """Returns what the template shows of a comparison: its answer, then the joint run."""
    found, joint, single = read_comparison(folder)
    tasks = dict.fromkeys([*joint.tasks, *(row.task for row in found.rows)])
    view = View(joint, single, looks(tasks))
    return {
        **_common(view),
        "title": found.title,
        "kind": "Joint against single-task training",
        "comparison": {
            "headline": headline(found),
            "delta": per_cent(found.delta_m),
            "verdicts": task_verdicts(found),
            "cost": cost(found),
            "note": found.note,
            "table": comparison_table(found.rows),
            "bars": _bars(found, view.looks),
        },
        "metrics": metric_table(joint),
    }


def frame() -> dict[str, Any]:
    """Returns what every page needs, whatever it shows."""
    return {"version": __version__, "plotly": Markup(get_plotlyjs())}


def _common(view: View) -> dict[str, Any]:
    """Returns what every page shows that has one run in its middle."""
    run = view.run
    return {
        **frame(),
        "tiles": _tiles(run),
        "looks": view.looks,
        "whole": run.whole,
        "notices": notices(run),
        "charts": _charts(view),
        "inside": inside_charts(run, view.looks),
        "cards": read_cards(run.folder / "gallery"),
        "config": run.config and settings_table(run.config, "Configuration"),
        "env": run.env and settings_table(run.env, "Environment"),
    }


def _charts(view: View) -> list[Chart]:
    return [
        loss_chart(view),
        validation_chart(view),
        weight_chart(view),
        *conflict_charts(view),
        norm_chart(view),
        term_chart(view),
        rate_chart(view),
    ]


def _tiles(run: Run) -> list[Tile]:
    steps = run.steps[-1].step if run.steps else 0
    ended = [event.epoch for event in run.validations]
    begun = [run.steps[-1].epoch + 1] if run.steps else []  # steps count epochs from 0
    tiles = [
        Tile("Tasks", str(len(run.tasks))),
        Tile("Epochs", str(max(ended + begun, default=0))),
        Tile("Steps", f"{steps:,}"),
        Tile("Time", duration(run.seconds)),
    ]
    if run.best is not None:
        tiles += [
            Tile("Best epoch", str(run.best.epoch)),
            Tile("Best score", number(run.best.score)),
        ]
    return tiles


def _bars(found: Comparison, looks_of: Mapping[str, Look]) -> Panel:
    rows, title = found.rows, "Change through joint training"
    if len(rows) > _MOST_BARS:
        known = [row for row in rows if not math.isnan(row.change)]
        ordered = sorted(known, key=lambda row: -row.change)
        rows = [ordered[place] for place in _ends(len(ordered), _MOST_BARS // 2)]
        title = f"{title}: the best and the worst of {len(found.rows)}"
    names = [f"{row.task}: {row.metric}" for row in rows]
    changes = [row.change for row in rows]
    plot = draw_bars("change-0", names, changes, [looks_of[row.task].colour for row in rows])
    words = [f"{name} {per_cent(change)}" for name, change in zip(names, changes, strict=True)]
    return Panel(title, None, plot, ", ".join(words))


def _ends(count: int, each: int) -> list[int]:
    return [place for place in range(count) if place < each or place >= count - each]
