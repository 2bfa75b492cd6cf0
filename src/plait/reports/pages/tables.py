"""The tables of a page that are not beside a chart: metrics, cost, settings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from plait.reports.draw.tables import Table, flat
from plait.reports.read.run import Run
from plait.reports.words.text import (
    MISSING,
    against,
    arrow,
    duration,
    judgement,
    number,
    number_over,
    per_cent_over,
    ratio,
)
from plait.runs import Comparison, MetricRow
from plait.runs.comparison import mean
from plait.runs.events import Evaluated
from plait.runs.undefined import UNDEFINED

BEST = "★"
SEVERAL = "several at once"  # in place of a task


def metric_table(run: Run) -> Table | None:
    """Returns the metrics on the test data and at the best epoch, or None before any evaluation.

    Where the tasks' own best epochs are not all the same, each task's is there, too.
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
    for task, metrics in shown.metrics.items():
        for metric, value in metrics.items():
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
    return Table([*head, "Labels"], rows, caption)


def value_table(found: Comparison) -> Table:
    """Returns each metric of the members and the single-task networks, the answer first.

    A star marks the best of a row. A lone member has its change and what it comes to as well.
    """
    lone = len(found.members) == 1
    change, than = (["Change"], ["Joint is", "Than trivial"]) if lone else ([], [])
    head = ["Task", "Metric", *found.labels.values(), *change, "Single-task", "Trivial", *than]
    rows = []
    for row in found.rows:
        values = [*row.joint.values(), row.single]
        best = _best(row, [mean(each) for each in values])
        *joint, single = (
            f"{BEST} {number_over(each)}" if number(mean(each)) == best else _over_seeds(each, row)
            for each in values
        )
        changed, words = _change_in_words(row, found.members[0].name) if lone else ([], [])
        name, trivial = arrow(row.metric, row.higher_is_better), number(mean(row.trivial))
        rows.append([row.task, name, *joint, *changed, single, trivial, *words])
    return Table(head, rows, "Joint against single-task training")


def cost_table(found: Comparison) -> Table:
    """Returns time and size of the single-task networks together, and of each member."""
    seconds, size = mean(found.baseline.seconds), found.baseline.parameters
    head = ["Networks", "Training", "Times single-task", "Parameters", "Times single-task", "Δm"]
    count = len(found.single)
    rows = [[f"Single-task, {count} together", duration(seconds), "1.00", f"{size:,}", "1.00", "0"]]
    rows += [
        [
            member.title,
            duration(mean(member.seconds)),
            ratio(mean(member.seconds), seconds),
            f"{member.parameters:,}",
            ratio(member.parameters, size),
            per_cent_over(member.delta_m),
        ]
        for member in found.members
    ]
    return Table(head, rows, "Cost")


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


def _over_seeds(values: Sequence[float], row: MetricRow) -> str:
    return UNDEFINED if row.undefined and math.isnan(mean(values)) else number_over(values)


def _best(row: MetricRow, values: Sequence[float]) -> str:
    """Returns the best value as it is written: what reads the same is equally good."""
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return ""
    return number(max(known) if row.higher_is_better else min(known))


def _change_in_words(row: MetricRow, member: str) -> tuple[list[str], list[str]]:
    """Returns the change, and the words on it and on the trivial predictor."""
    change, reached = row.changes[member], mean(row.joint[member])
    words = [judgement(mean(change)), against(reached, mean(row.trivial), row.higher_is_better)]
    return [per_cent_over(change)], words
