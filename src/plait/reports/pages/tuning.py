"""The page of a search for settings."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from plait.reports.charts.tuning import (
    front_chart,
    history_chart,
    importance_chart,
    trial_table,
)
from plait.reports.draw.tables import Table
from plait.reports.words.text import number
from plait.runs.tuning import TunedTrial, Tuning, read_tuning


def tuning_page(folder: Path) -> dict[str, Any]:
    """Returns the variables of the template for the page of a search."""
    found = read_tuning(folder)
    best = found.trial(found.best)
    charts = [history_chart(found), front_chart(found), importance_chart(found)]
    return {
        "title": found.title,
        "kind": "Search for settings",
        "headline": _headline(found, best),
        "note": found.note,
        "how": found.how,
        "space": found.space,
        "best": _settings_table(best),
        "tested": _tested_table(found),
        "charts": [chart for chart in charts if chart is not None],
        "trials": trial_table(found),
        "wanted": found.wanted,
    }


def _headline(found: Tuning, best: TunedTrial | None) -> str:
    """Returns the outcome in one or two sentences."""
    trained = sum(trial.state == "trained" for trial in found.trials)
    if best is None:
        return f"None of {len(found.trials)} trials was trained to its end."
    if len(found.objective) > 1:
        return (
            f"{len(found.front)} of {trained} trained trials are beaten by no other in every "
            f"objective; of these, trial {best.number} has the highest score by the rule."
        )
    untuned = next((trial for trial in found.trials if trial.untuned), None)
    said = f"Trial {best.number} is the best of {trained}: {found.objective[0]} "
    said += number(best.values[0])
    if untuned is None or untuned is best or math.isnan(untuned.values[0]):
        return f"{said}."
    return f"{said}, against {number(untuned.values[0])} with the settings as they were."


def _settings_table(best: TunedTrial | None) -> Table | None:
    if best is None or not best.settings:
        return None
    rows = [[key, str(value)] for key, value in best.settings.items()]
    return Table(["Setting", "Value"], rows, "The best settings")


def _tested_table(found: Tuning) -> Table | None:
    """Returns the metrics of the best settings on both splits, by seed."""
    finals = [final for final in found.finals if final.trial == found.best]
    rows = [
        [
            task,
            metric,
            str(final.seed),
            number(final.validation.get(task, {}).get(metric)),
            number(value),
        ]
        for final in finals
        for task, metrics in final.test.items()
        for metric, value in metrics.items()
    ]
    head = ["Task", "Metric", "Seed", "Validation", "Test"]
    return Table(head, rows, "The best settings, trained again and tested") if rows else None
