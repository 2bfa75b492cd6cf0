"""The page of one run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
from plait.reports.draw.curves import Chart, Subject
from plait.reports.draw.style import looks
from plait.reports.draw.tables import settings_table
from plait.reports.pages.cards import read_cards
from plait.reports.pages.diagnosis import diagnosis_of
from plait.reports.pages.labels import label_table
from plait.reports.pages.many_rows import note_of
from plait.reports.pages.mixture import mixture_note, mixture_tables
from plait.reports.pages.tables import metric_table, with_few_tasks
from plait.reports.read.run import Run, read_run
from plait.reports.words.headline import run_headline
from plait.reports.words.notices import notices
from plait.reports.words.text import duration, number
from plait.runs.undefined import because

_BETWEEN = "where the main metric lies between the trivial predictor, 0, and a perfect one, 1"
SCORES = {
    "skill": f"the mean over the tasks of {_BETWEEN}",
    "worst": f"the smallest over the tasks of {_BETWEEN}",
    "loss": "minus the sum of the weighted losses",
}
DEFAULT = ", the default,"


@dataclass(frozen=True)
class Tile:
    """One number of the summary.

    Attributes:
        name: of the number.
        value: as it is shown.
        note: what it means, in a sentence below the numbers.
    """

    name: str
    value: str
    note: str = ""


def run_page(folder: Path) -> dict[str, Any]:
    """Returns the variables of the template for the page of one run."""
    run = read_run(folder)
    subject = Subject(run, {}, looks(run.tasks))
    shown = run.test or run.best
    return {
        "title": folder.resolve().name,
        "kind": "Training run",
        "notices": notices(run),
        "whole": run.whole,
        "headline": run_headline(run),
        "tiles": run_tiles(run),
        "looks": subject.looks,
        "metrics": metric_table(run),
        "metrics_note": note_of(run),
        "diagnosis": diagnosis_of(folder),
        "labels": label_table(run),
        "mixture": mixture_tables(run),
        "mixture_note": mixture_note(run),
        "undefined": because(shown.undefined) if shown else [],
        "charts": run_charts(subject),
        "inside": inside_charts(run.watched, subject.looks),
        "cards": read_cards(folder),
        "config": run.config and settings_table(with_few_tasks(run.config), "Configuration"),
        "env": run.env and settings_table(run.env, "Environment"),
    }


def run_charts(subject: Subject) -> list[Chart]:
    """Returns the charts of a training, from losses to learning rate."""
    return [
        loss_chart(subject),
        validation_chart(subject),
        weight_chart(subject),
        *conflict_charts(subject),
        norm_chart(subject),
        term_chart(subject),
        rate_chart(subject),
    ]


def run_tiles(run: Run) -> list[Tile]:
    """Returns tiles with the size, the time and the best epoch of a run."""
    steps = int(run.steps.step[-1]) if len(run.steps) else 0
    ended = [event.epoch for event in run.validations]
    begun = [int(run.steps.epoch[-1]) + 1] if len(run.steps) else []  # steps count epochs from 0
    tiles = [
        Tile("Tasks", str(len(run.tasks))),
        Tile("Epochs", str(max(ended + begun, default=0))),
        Tile("Steps", f"{steps:,}"),
        Tile("Time", duration(run.seconds)),
    ]
    if run.best is not None:
        tiles += [
            Tile("Best epoch", str(run.best.epoch)),
            Tile("Best score", number(run.best.score), _on_score(run)),
        ]
    return tiles


def _on_score(run: Run) -> str:
    """Says what the score of a run is, by the rule that it was trained with."""
    rule = str((run.config or {}).get("rule", "skill"))
    meaning = SCORES.get(rule, "that metric, with a minus where lower is better")
    return (
        "The score chooses the best epoch, on the validation data. By the rule "
        f'"{rule}"{DEFAULT if rule == "skill" else ""} it is {meaning}.'
    )
