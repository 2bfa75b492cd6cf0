"""A search for settings on stdout: a table for people, JSON for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from plait.core.typed_json import without_nan
from plait.runs.tuning import TunedTrial, Tuning

MOST_ROWS = 10  # of the table: the best trials
BEST = "best.yaml"
_PLAIN: dict[str, Any] = {"highlight": False, "markup": False, "soft_wrap": True}


def show(found: Tuning, folder: Path, report: Path, *, as_json: bool) -> None:
    """Shows the best trials beside the settings as they were, and the test of the best.

    Args:
        found: the search.
        folder: of the search.
        report: its page.
        as_json: whether for a program.
    """
    if as_json:
        whole = {"folder": str(folder), "report": str(report), **without_nan(asdict(found))}
        print(json.dumps(whole, indent=2, allow_nan=False))
        return
    out = Console()
    shown = ranked(found)
    if shown:
        out.print(_table(found, shown[:MOST_ROWS]))
        if len(shown) > MOST_ROWS:
            out.print(f"The report has all {len(found.trials)} trials.", **_PLAIN)
    for final in found.finals:
        if final.trial == found.best:
            tested = "; ".join(f"{task}: {_written(all_)}" for task, all_ in final.test.items())
            out.print(f"Test split, trial {final.trial}, seed {final.seed}: {tested}", **_PLAIN)
    for sentence in found.note:
        out.print(sentence, **_PLAIN)
    if shown:
        out.print(f"The best settings: plait train {folder / BEST}", **_PLAIN)
    out.print(f"Report: {report}", **_PLAIN)


def ranked(found: Tuning) -> list[TunedTrial]:
    """Returns the trained trials: the best first; of several objectives, those of the front."""
    trained = [trial for trial in found.trials if trial.state == "trained"]
    if len(found.objective) > 1:
        first = [trial for trial in trained if trial.number in found.front]
        return sorted(first, key=lambda trial: trial.number != found.best)
    sign = -1.0 if found.higher_is_better[0] else 1.0
    return sorted(trained, key=lambda trial: sign * trial.values[0])


def _table(found: Tuning, trials: list[TunedTrial]) -> Table:
    title = "The best trials" if len(found.objective) == 1 else "Trials that no other beats in all"
    table = Table(title=f"{title} (validation split)", title_justify="left")
    table.add_column("trial", justify="right")
    for name, higher in zip(found.objective, found.higher_is_better, strict=True):
        table.add_column(Text(f"{name} {'↑' if higher else '↓'}"), justify="right", overflow="fold")
    table.add_column("settings", overflow="fold")
    untuned = next((each for each in found.trials if each.untuned), None)
    for trial in [*trials, *([untuned] if untuned and untuned not in trials else [])]:
        mark = "★" if trial.number == found.best else ""
        values = [_number(value) for value in trial.values]
        settings = ", ".join(f"{key}={value}" for key, value in trial.settings.items())
        settings = "as they were" if trial.untuned else settings
        table.add_row(f"{mark}{trial.number}", *values, Text(settings))
    return table


def _written(metrics: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {_number(value)}" for name, value in metrics.items())


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.4g}"
