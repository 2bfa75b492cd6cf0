"""The tables of a families page."""

from __future__ import annotations

import math
from collections.abc import Mapping

from plait.reports.draw.tables import Table, flat
from plait.reports.read.families import Families, FamilyRow
from plait.reports.read.run import Run
from plait.reports.words.text import MISSING, arrow, duration, number, per_cent, ratio

BEST = "★"


def value_table(found: Families) -> Table:
    """Returns each metric of the single-task networks and the families; a star marks the best."""
    head = ["Task", "Metric", "Trivial", "Single-task", *found.labels.values()]
    rows = []
    for row in found.rows:
        values = [row.single, *(row.values.get(folder) for folder in found.labels)]
        best = _best(row, values)
        cells = [f"{BEST} {cell}" if cell == best else cell for cell in map(number, values)]
        name = arrow(row.metric, row.higher_is_better)
        rows.append([row.task, name, number(row.trivial), *cells])
    return Table(head, rows, "Single-task networks and families")


def change_table(found: Families) -> Table:
    """Returns each metric's change against the single-task network, and the mean over the tasks."""
    rows = [
        [row.task, row.metric, *(_change(row.changes.get(folder)) for folder in found.labels)]
        for row in found.rows
    ]
    mean = ["All tasks", "Δm", *(_change(run.delta_m) for run in found.runs)]
    return Table(["Task", "Metric", *found.labels.values()], [mean, *rows], "Changes by family")


def cost_table(found: Families) -> Table:
    """Returns time and size of the single-task networks together, and of each family."""
    seconds, size = math.fsum(found.seconds.single.values()), found.parameters.single
    head = ["Networks", "Training", "Times single-task", "Parameters", "Times single-task", "Δm"]
    count = len(found.single)
    rows = [[f"Single-task, {count} together", duration(seconds), "1.00", f"{size:,}", "1.00", "0"]]
    rows += [
        [
            run.name,
            duration(run.seconds),
            ratio(run.seconds, seconds),
            f"{run.parameters:,}",
            ratio(run.parameters, size),
            _change(run.delta_m),
        ]
        for run in found.runs
    ]
    return Table(head, rows, "Cost")


def settings_tables(found: Families, runs: Mapping[str, Run]) -> tuple[Table | None, Table | None]:
    """Returns the settings in which the families differ, and those that all have.

    Runs that were not started from a configuration have no column; no run, no tables.
    """
    known = {
        found.labels[folder]: dict(flat(run.config, ""))
        for folder, run in runs.items()
        if run.config
    }
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


def _best(row: FamilyRow, values: list[float | None]) -> str:
    """Returns the best value as it is written: what reads the same is equally good."""
    known = [value for value in values if value is not None and not math.isnan(value)]
    if not known:
        return ""
    return number(max(known) if row.higher_is_better else min(known))


def _change(value: float | None) -> str:
    return MISSING if value is None else per_cent(value)
