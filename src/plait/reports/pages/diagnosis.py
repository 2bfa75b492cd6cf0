"""The sections of a diagnosis: a page of its own, or a part of the page of its run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plait.reports.charts.affinity import affinity_chart, group_looks, share_chart
from plait.reports.charts.inside import inside_charts
from plait.reports.charts.measured_conflict import conflict_chart, history_chart, layer_chart
from plait.reports.draw.curves import Chart
from plait.reports.draw.style import Look, looks
from plait.reports.draw.tables import Table
from plait.reports.pages.diagnosis_tables import (
    forecast_table,
    gain_table,
    loss_table,
    opposed_table,
    parameter_table,
)
from plait.reports.words.grouping import group_name, grouping_sentences
from plait.reports.words.notices import Notice
from plait.runs.diagnosis import Diagnosis, read_diagnosis
from plait.runs.events import WatchedValues
from plait.runs.folder import DIAGNOSIS


@dataclass(frozen=True)
class ShownGroup:
    """A proposed network: its tasks, and the colour that they have in the graph."""

    name: str
    look: Look


@dataclass(frozen=True)
class ShownDiagnosis:
    """A diagnosis as its template shows it; tables are None where there is nothing to say."""

    headline: str
    sentences: list[str]
    advice: str
    notices: list[Notice]
    opposed: Table | None
    charts: list[Chart]
    losses: Table | None
    parameters: Table | None
    affinity: Chart
    grouping: list[str]
    groups: list[ShownGroup]
    gains: Table | None
    forecast: Table | None
    unusable: list[str]
    notes: list[str]


def diagnosis_page(folder: Path) -> dict[str, Any]:
    """Returns the variables of the template for the page of a diagnosis without its run."""
    found = read_diagnosis(folder)
    of_tasks = looks(found.tasks)
    last = WatchedValues(step=found.steps or 0, epoch=0, values=found.watched)
    return {
        "title": found.title,
        "kind": "Diagnosis",
        "diagnosis": shown_diagnosis(found),
        "inside": inside_charts([last], of_tasks),
    }


def diagnosis_of(folder: Path) -> ShownDiagnosis | None:
    """Returns the diagnosis in a run folder, None where there is none."""
    return shown_diagnosis(read_diagnosis(folder)) if (folder / DIAGNOSIS).exists() else None


def shown_diagnosis(found: Diagnosis) -> ShownDiagnosis:
    """Draws the charts and fills the tables of a diagnosis."""
    headline, *sentences = found.sentences or ["Nothing was found."]
    flags = [
        Notice(f"{steps} steps:" if steps != 1 else "1 step:", f"The balancer found: {flag}.")
        for flag, steps in found.flags.items()
    ]
    groups = found.grouping.groups if found.grouping else []
    return ShownDiagnosis(
        headline=headline,
        sentences=sentences,
        advice=found.advice,
        notices=[*(Notice("", warning) for warning in found.warnings), *flags],
        opposed=opposed_table(found),
        charts=[
            conflict_chart(found),
            layer_chart(found),
            history_chart(found),
            share_chart(found),
        ],
        losses=loss_table(found),
        parameters=parameter_table(found),
        affinity=affinity_chart(found),
        grouping=grouping_sentences(found.grouping) if found.grouping else [],
        groups=[
            ShownGroup(group_name(group), look)
            for group, look in zip(groups, group_looks(found), strict=False)
        ],
        gains=gain_table(found),
        forecast=forecast_table(found),
        unusable=[
            f"{each.balancer} cannot be used here: {each.why.rstrip('.')}."
            for each in found.forecast
            if each.why
        ],
        notes=found.notes,
    )
