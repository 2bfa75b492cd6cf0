"""The page of a comparison."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plait.reports.charts.balance import cosine_chart, weights_chart
from plait.reports.charts.changes import change_chart
from plait.reports.charts.inside import inside_charts
from plait.reports.charts.members import member_chart
from plait.reports.charts.penalties import term_chart
from plait.reports.charts.trade import trade_chart
from plait.reports.draw.curves import Chart, Subject
from plait.reports.draw.style import Look, looks
from plait.reports.draw.tables import settings_table
from plait.reports.pages.cards import read_cards
from plait.reports.pages.comparison_tables import member_table, metric_table, task_table
from plait.reports.pages.diagnosis import diagnosis_of
from plait.reports.pages.labels import label_table
from plait.reports.pages.run import Tile, run_charts, run_tiles
from plait.reports.pages.tables import settings_tables
from plait.reports.read.comparison import Compared, read_comparison
from plait.reports.read.references import methods_of, reference_of
from plait.reports.read.run import Run
from plait.reports.words.advice import action
from plait.reports.words.bibtex import bibtex
from plait.reports.words.findings import (
    failure_sentences,
    noise_sentence,
    reading_sentence,
    transfer_sentences,
)
from plait.reports.words.headline import headline
from plait.reports.words.notable import note_of
from plait.reports.words.notices import joint_notices
from plait.reports.words.text import duration
from plait.reports.words.verdict import cards
from plait.runs.advice import read_advice
from plait.runs.folder import FIRST_LOOK
from plait.runs.undefined import because

MOST_CARDS = 6  # of what is judged; more are in the table alone


@dataclass(frozen=True)
class MemberCharts:
    """Charts of the numbers that one member's model recorded of itself, with the member's look."""

    label: str
    look: Look
    charts: list[Chart]


def comparison_page(folder: Path) -> dict[str, Any]:
    """Returns the variables of the template for the page of a comparison.

    With one member the page goes on with its run: all charts, its tasks in their colours. With
    several it sets them over each other, in the members' colours. Charts that show one run show
    that of the best member, from the first seed.
    """
    compared = read_comparison(folder)
    found = compared.found
    lone = len(found.members) == 1
    of_tasks, of_members = looks(found.metrics), looks(found.labels, dashed=True)
    shown = _shown(compared)
    runs = dict(compared.named)
    differ, same = settings_tables(_first_runs(compared))
    return {
        "title": found.title,
        "kind": "Comparison with separate networks",
        "advice": read_advice(folder),
        "headline": headline(found),
        "action": action(found),
        "losses": transfer_sentences(found),
        "failures": failure_sentences(found),
        "noise": noise_sentence(found),
        "reading": reading_sentence(compared.tested, found),
        "note": found.note,
        "cards": _few(cards(found)),
        "formulas": [(of_members[each.name], each) for each in found.members if each.formula],
        "looks": of_tasks if lone else of_members,
        "tiles": _tiles(compared),
        "notices": joint_notices(runs.items()),
        "cut_off": [name for name, run in runs.items() if not run.whole],
        "members": member_table(found),
        "notable": note_of(found),
        "values": task_table(found),
        "metrics": metric_table(found),
        "undefined": because(found.undefined),
        "change": change_chart(found, of_tasks if lone else of_members),
        "trade": trade_chart(found, of_members),
        "diagnosis": _diagnosis(compared, folder),
        "lone": lone,
        "run_tiles": run_tiles(shown[1]) if shown else [],
        "tasks": of_tasks,
        "charts": _charts(compared, of_tasks, of_members),
        "inside": _inside(compared, of_tasks, of_members),
        "labels": label_table(shown[1]) if shown else None,
        "best": shown[0] if shown else "",
        "seed": found.seeds[0] if len(found.seeds) > 1 else None,
        "samples": read_cards(shown[1].folder) if shown else None,
        "differ": differ,
        "same": same,
        "env": shown and shown[1].env and settings_table(shown[1].env, "Environment"),
        "entries": _entries(runs.values()),
    }


def _shown(compared: Compared) -> tuple[str, Run] | None:
    """Returns the name and the first run of the best member that has one, else of any."""
    found = compared.found
    order = sorted(found.members, key=lambda each: each is not found.best)
    for member in order:
        if compared.joint[member.name]:
            return found.labels[member.name], compared.joint[member.name][0]
    return next(
        ((f"{task} alone", each[0]) for task, each in compared.single.items() if each), None
    )


def _first_runs(compared: Compared) -> dict[str, Run]:
    """Returns the first run of each member, by its label."""
    labels = compared.found.labels
    return {labels[name]: runs[0] for name, runs in compared.joint.items() if runs}


def _few(found: list[Any]) -> list[Any]:
    return found if len(found) <= MOST_CARDS else []


def _charts(
    compared: Compared, of_tasks: Mapping[str, Look], of_members: Mapping[str, Look]
) -> list[Chart]:
    """Returns the charts of the trainings: of a lone member's run, or of all members."""
    runs = [each for each in compared.joint.values() if each]
    if len(compared.joint) == 1 and len(compared.found.seeds) == 1 and runs:
        single = {task: each[0] for task, each in compared.single.items() if each}
        return run_charts(Subject(runs[0][0], single, of_tasks))
    charts = [member_chart(compared, of_members), weights_chart(compared, of_tasks)]
    return [*charts, cosine_chart(compared)] if len(of_tasks) > 1 else charts


def _inside(
    compared: Compared, of_tasks: Mapping[str, Look], of_members: Mapping[str, Look]
) -> list[MemberCharts]:
    """Returns the charts inside each member, with its penalties where no other chart has them."""
    shown = []
    lone = len(compared.joint) == 1 and len(compared.found.seeds) == 1
    for index, (name, runs) in enumerate(compared.joint.items()):
        if not runs:
            continue
        charts = inside_charts(runs[0].watched, of_tasks, f"inside-{index}")
        terms = term_chart(Subject(runs[0], {}, of_tasks), f"terms-{index}")
        if not lone and not terms.missing:
            charts.insert(0, terms)
        if charts:
            shown.append(MemberCharts(compared.found.labels[name], of_members[name], charts))
    return shown


def _diagnosis(compared: Compared, folder: Path) -> Any:
    """Finds the diagnosis of an advice, or of the first run that has one; None where none has."""
    folders = [run.folder for runs in compared.joint.values() for run in runs]
    return next(filter(None, map(diagnosis_of, [folder / FIRST_LOOK, *folders])), None)


def _tiles(compared: Compared) -> list[Tile]:
    """Returns tiles with the size of the comparison."""
    found = compared.found
    everyone = [found.baseline, *found.members]
    seconds = [
        second
        for member in everyone
        for network in member.networks.values()
        for second in network.seconds
        if math.isfinite(second)
    ]
    return [
        Tile("Tasks", str(len(found.metrics))),
        Tile("Compared", str(len(found.members))),
        Tile("Seeds", str(len(found.seeds))),
        Tile("Trainings", str(len(compared.named))),
        Tile("Training in all", duration(math.fsum(seconds))),
    ]


def _entries(runs: Any) -> list[str]:
    """Returns BibTeX of the papers behind all methods of all runs, each once."""
    methods = dict.fromkeys(name for run in runs for name in methods_of(run.config or {}))
    entries = (entry for name in methods for entry in bibtex(reference_of(name)))
    return list(dict.fromkeys(entries))
