"""The page: what was read and drawn, put into the template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from plait import __version__
from plait.core.errors import DataError
from plait.core.files import write_text
from plait.reports.cards import read_cards
from plait.reports.charts import (
    loss_chart,
    norm_chart,
    rate_chart,
    term_chart,
    validation_chart,
    weight_chart,
)
from plait.reports.comparison import Comparison, read_comparison
from plait.reports.conflict import conflict_charts
from plait.reports.curves import Chart, View
from plait.reports.draw import draw_bars
from plait.reports.read import Run, read_run
from plait.reports.style import Look, Panel, looks
from plait.reports.tables import comparison_table, metric_table, settings_table
from plait.reports.text import duration, number, per_cent
from plait.reports.verdict import cost, headline, run_headline, task_verdicts


@dataclass(frozen=True)
class Tile:
    """One number of the summary."""

    name: str
    value: str


def write(folder: Path) -> Path:
    """Writes `report.html` into a run or comparison folder; see `plait.reports.write_report`."""
    if (folder / "comparison.json").exists():
        page = _comparison_page(folder)
    elif (folder / "events.jsonl").exists():
        page = _run_page(folder)
    else:
        raise DataError(
            f"{folder} holds neither events.jsonl nor comparison.json. "
            "Give the folder of a training run or of a comparison."
        )
    path = folder / "report.html"
    write_text(path, _template().render(page))
    return path


def _run_page(folder: Path) -> dict[str, Any]:
    """Returns what the template shows of one run."""
    run = read_run(folder)
    view = View(run, {}, looks(run.tasks))
    return {
        **_common(view),
        "title": folder.resolve().name,
        "comparison": None,
        "headline": run_headline(run),
        "metrics": metric_table(run),
    }


def _comparison_page(folder: Path) -> dict[str, Any]:
    """Returns what the template shows of a comparison: its answer, then the joint run."""
    found, joint, single = read_comparison(folder)
    tasks = dict.fromkeys([*joint.tasks, *(row.task for row in found.rows)])
    view = View(joint, single, looks(tasks))
    return {
        **_common(view),
        "title": found.title,
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


def _common(view: View) -> dict[str, Any]:
    """Returns what every page shows."""
    run = view.run
    return {
        "version": __version__,
        "plotly": Markup(get_plotlyjs()),
        "tiles": _tiles(run),
        "looks": view.looks,
        "whole": run.whole,
        "charts": _charts(view),
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
    names = [f"{row.task}: {row.metric}" for row in found.rows]
    plot = draw_bars(
        "change-0",
        names,
        [row.change for row in found.rows],
        [looks_of[row.task].colour for row in found.rows],
    )
    words = [f"{name} {per_cent(row.change)}" for name, row in zip(names, found.rows, strict=True)]
    return Panel("Change through joint training", None, plot, ", ".join(words))


def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")
