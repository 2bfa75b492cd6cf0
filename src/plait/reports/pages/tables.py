"""The tables of a page that are not beside a chart: metrics, cost, settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plait.core.many import MANY
from plait.reports.draw.tables import Table, flat
from plait.reports.pages.many_rows import extremes, quantile_rows
from plait.reports.read.run import Run
from plait.reports.words.text import (
    MISSING,
    against,
    arrow,
    number,
)
from plait.runs.events import Evaluated
from plait.runs.undefined import UNDEFINED

SEVERAL = "several at once"  # in place of a task


def metric_table(run: Run) -> Table | None:
    """Returns the metrics on the test data and at the best epoch, or None before any evaluation.

    Where the tasks' own best epochs are not all the same, each task's is there, too. Of more than
    32 tasks there are quantiles of each metric, then the tasks with the least and the most skill.
    """
    best, test = run.best, run.test
    shown = test or best
    if shown is None:
        return None
    both = test is not None and best is not None
    epoch = "" if best is None else f"Validation, epoch {best.epoch}"
    head = ["Task", "Metric", "Test" if test else epoch, "Trivial predictor", "Against trivial"]
    own = run.validations[-1].best_epochs if run.validations else {}
    apart = len(set(own.values())) > 1
    rows = []
    tasks = list(shown.metrics)
    if len(tasks) > MANY:
        gap = [MISSING] if apart else []
        summed = quantile_rows(shown, best if both else None)
        rows = [[*row[:-1], *gap, row[-1]] for row in summed]
        tasks = [task for side in extremes(shown) for task in side]
    for task in tasks:
        for metric, value in shown.metrics[task].items():
            higher = shown.direction(task, metric)
            trivial = shown.trivial.get(task, {}).get(metric)
            row = [task, arrow(metric, higher), _measured(shown, task, metric), number(trivial)]
            row += [against(value, trivial, higher)]
            if both and best is not None:
                row += [_measured(best, task, metric)]
            row += [str(own.get(task, MISSING))] if apart else []
            rows.append([*row, f"{shown.counts.get(task, 0):,.0f}"])
    for metric, value in shown.all_right.items():
        row = [SEVERAL, arrow(metric, True), number(value), MISSING, MISSING]
        row += [number(best.all_right.get(metric))] if both and best is not None else []
        row += [MISSING] if apart else []
        rows.append([*row, MISSING])
    caption = f"Metrics on the {'test' if test else 'validation'} data"
    head += [epoch] if both else []
    head += ["Best epoch of the task alone"] if apart else []
    return Table([*head, "Labels"], rows, caption, words=2)


def with_few_tasks(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the settings of a run; where it has those of more than 32 tasks, each only once."""
    tasks = config.get("tasks")
    if not isinstance(tasks, Mapping) or len(tasks) <= MANY:
        return config
    found: dict[str, set[str]] = {}
    for own in tasks.values():
        for path, value in flat(own, ""):
            if path not in ("", "name"):
                found.setdefault(path, set()).add(value)
    once = {
        path: next(iter(values)) if len(values) == 1 else f"{len(values)} different ones"
        for path, values in found.items()
    }
    return {**config, "tasks": {f"(all {len(tasks)})": once}}


def settings_tables(runs: Mapping[str, Run]) -> tuple[Table | None, Table | None]:
    """Returns the settings in which the runs differ, and those that all have.

    Runs that were not started from a configuration have no column; no run, no tables.

    Args:
        runs: by the titles of their columns.
    """
    known = {label: dict(flat(run.config, "")) for label, run in runs.items() if run.config}
    if not known:
        return None, None
    paths = dict.fromkeys(path for settings in known.values() for path in settings)
    values = {path: [settings.get(path) for settings in known.values()] for path in paths}
    differ = [
        [path, *(MISSING if value is None else value for value in each)]
        for path, each in values.items()
        if len(set(each)) > 1
    ]
    same = [[path, each[0] or ""] for path, each in values.items() if len(set(each)) == 1]
    return (
        Table(["Setting", *known], differ, "Settings that differ"),
        Table(["Setting", "Value"], same, "Settings of all"),
    )


def _measured(shown: Evaluated, task: str, metric: str) -> str:
    """Returns the value of a metric, or that it is undefined, as old logs do not say."""
    if metric in shown.undefined.get(task, {}):
        return UNDEFINED
    return number(shown.metrics.get(task, {}).get(metric))
