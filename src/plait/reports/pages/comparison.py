"""The page of a comparison."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plait.reports.charts.changes import change_chart
from plait.reports.charts.inside import inside_charts
from plait.reports.charts.members import member_chart
from plait.reports.charts.penalties import term_chart
from plait.reports.draw.curves import Chart, Subject
from plait.reports.draw.style import Look, looks
from plait.reports.draw.tables import settings_table
from plait.reports.pages.cards import read_cards
from plait.reports.pages.run import Tile, run_charts, run_tiles
from plait.reports.pages.tables import cost_table, settings_tables, value_table
from plait.reports.read.comparison import Compared, read_comparison
from plait.reports.words.advice import next_step
from plait.reports.words.headline import headline
from plait.reports.words.notices import notices
from plait.reports.words.text import duration
from plait.reports.words.verdict import change_sentences, cost, verdicts
from plait.runs.undefined import because


@dataclass(frozen=True)
class MemberCharts:
    """Charts of the numbers that one member's model recorded of itself, with the member's look."""

    label: str
    look: Look
    charts: list[Chart]


def comparison_page(folder: Path) -> dict[str, Any]:
    """Returns the variables of the template for the page of a comparison.

    With one member the page goes on with its run: all charts, its tasks in their colours. With
    several it sets them over each other, in the members' colours. Of several seeds, numbers are of
    all and charts of the training are of the first.
    """
    compared = read_comparison(folder)
    found = compared.found
    best = found.best or found.members[0]
    shown = compared.joint[best.name][0]
    lone = len(found.members) == 1
    of_tasks, of_members = looks(found.single), looks(found.labels, dashed=True)
    differ, same = settings_tables(
        {label: compared.joint[name][0] for name, label in found.labels.items()}
    )
    return {
        "title": found.title,
        "kind": "Joint against single-task training",
        "notices": [each for name, run in compared.named_runs() for each in notices(run, name)],
        "cut_off": [name for name, run in compared.named_runs() if not run.whole],
        "headline": headline(found),
        "verdicts": verdicts(found),
        "looks": of_tasks if lone else of_members,
        "changes": change_sentences(found),
        "cost": cost(found, best) if lone else [],
        "advice": next_step(found),
        "note": found.note,
        "tiles": _tiles(compared),
        "lone": lone,
        "values": value_table(found),
        "undefined": because(found.undefined),
        "change": change_chart(found, of_tasks if lone else of_members),
        "costs": cost_table(found),
        "seed": found.seeds[0] if len(found.seeds) > 1 else None,
        "run_tiles": run_tiles(shown),
        "tasks": of_tasks,
        "charts": _charts(compared, of_tasks) if lone else [member_chart(compared, of_members)],
        "inside": _inside(compared, of_tasks, of_members),
        "best": found.labels[best.name],
        "cards": read_cards(shown.folder),
        "differ": differ,
        "same": same,
        "env": shown.env and settings_table(shown.env, "Environment"),
    }


def _charts(compared: Compared, of_tasks: Mapping[str, Look]) -> list[Chart]:
    """Returns the charts of a lone member's run, with the single-task runs beside it."""
    ((run, *_),) = compared.joint.values()
    single = {task: runs[0] for task, runs in compared.single.items()}
    return run_charts(Subject(run, single, of_tasks))


def _inside(
    compared: Compared, of_tasks: Mapping[str, Look], of_members: Mapping[str, Look]
) -> list[MemberCharts]:
    """Returns the charts inside each member, with its penalties where no other chart has them."""
    shown = []
    for index, (name, (run, *_)) in enumerate(compared.joint.items()):
        charts = inside_charts(run, of_tasks, f"inside-{index}")
        terms = term_chart(Subject(run, {}, of_tasks), f"terms-{index}")
        if len(compared.joint) > 1 and not terms.missing:
            charts.insert(0, terms)
        if charts:
            shown.append(MemberCharts(compared.found.labels[name], of_members[name], charts))
    return shown


def _tiles(compared: Compared) -> list[Tile]:
    """Returns tiles with the size of the comparison."""
    found = compared.found
    seconds = [
        second
        for group in (found.members, found.single.values())
        for each in group
        for second in each.seconds
    ]
    return [
        Tile("Tasks", str(len(found.single))),
        Tile("Joint networks", str(len(found.members))),
        Tile("Seeds", str(len(found.seeds))),
        Tile("Runs", str(len(seconds))),
        Tile("Training in all", duration(math.fsum(seconds))),
    ]
