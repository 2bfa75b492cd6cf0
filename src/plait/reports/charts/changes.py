"""The charts of a families page: changes, and validation metrics over each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from plait.reports.charts.training import EVENLY, metric_curve
from plait.reports.draw.curves import (
    MOST_PANELS,
    PANEL,
    Chart,
    curve_table,
    some_of,
    summary,
)
from plait.reports.draw.heatmap import draw_cells, height_of, is_wide, scale_of
from plait.reports.draw.plot import draw_bars, draw_lines, line
from plait.reports.draw.style import GREY, Look, Panel
from plait.reports.pages.tables import change_table
from plait.reports.read.families import Families, FamilyRow
from plait.reports.read.run import Run
from plait.reports.read.series import Series, spread
from plait.reports.words.text import arrow, per_cent

SINGLE = "Single-task"
_ALONE = Look(GREY, "dash")
Looks = Mapping[str, Look]


def change_chart(found: Families, looks_of: Looks) -> Chart:
    """The change of each task by family: bars for few tasks, a heat map for many.

    Args:
        found: the comparison.
        looks_of: how each run is drawn, by folder.
    """
    title = "Change against single-task networks"
    main = [rows[0] for rows in found.tasks.values()]
    means = {run.folder: run.delta_m for run in found.runs}
    groups = [("Mean over the tasks (Δm)", means)]
    caption = "In per cent, positive is better. "
    if len(main) <= MOST_PANELS:
        groups += [(_name(row), row.changes) for row in main]
        caption += "All bars have one scale. The main metric of each task; the table has all."
        panels = []
    else:
        panels = [_changes_map(found, main)]
        caption += "The main metric of each task; the table has all."
    known = [v for _, each in groups for v in each.values() if v is not None and math.isfinite(v)]
    ends = min([0.0, *known]), max([0.0, *known])
    bars = [
        _bars(f"change-{index}", name, found, values, looks_of, ends)
        for index, (name, values) in enumerate(groups)
    ]
    return Chart("change", title, caption, [*bars, *panels], [change_table(found)])


def family_curves(
    found: Families, runs: Mapping[str, Run], single: Mapping[str, Run], looks_of: Looks
) -> Chart:
    """The main metric of each task after each epoch, of all families and of the task alone."""
    title = "Validation"
    main = [rows[0] for rows in found.tasks.values()]
    drawn = spread(len(main), MOST_PANELS)
    panels: list[Panel] = []
    columns: dict[str, Series] = {}
    for index, row in enumerate(main):
        name = f"{row.task}: {row.metric}"
        curves = {folder: metric_curve(run, row.task, row.metric) for folder, run in runs.items()}
        alone = metric_curve(single.get(row.task), row.task, row.metric)
        there = {folder: curve for folder, curve in curves.items() if curve.x}
        if index in drawn and (there or alone.x):
            panels.append(_panel(f"validation-{index}", found, row, there, alone, looks_of))
        columns |= {f"{name}, {found.labels[folder]}": curve for folder, curve in there.items()}
        if alone.x:
            columns[f"{name}, {SINGLE}"] = alone
    if not panels:
        text = "No metric was evaluated. Give training validation data, and the tasks metrics."
        return Chart("validation", title, missing=text)
    caption = "The main metric of each task. Dotted in grey: the trivial predictor."
    caption += some_of(len(drawn), len(main), EVENLY)
    return Chart(
        "validation",
        title,
        caption,
        panels,
        [curve_table("Epoch", columns, title)],
        {**named_looks(found, looks_of), SINGLE: _ALONE},
    )


def named_looks(found: Families, looks_of: Looks) -> dict[str, Look]:
    """Returns how each run is drawn, by its short name."""
    return {label: looks_of[folder] for folder, label in found.labels.items()}


def _panel(
    ident: str,
    found: Families,
    row: FamilyRow,
    curves: Mapping[str, Series],
    alone: Series,
    looks_of: Looks,
) -> Panel:
    lines = [(SINGLE, alone, _ALONE)] if alone.x else []
    lines += [(found.labels[f], curve, looks_of[f]) for f, curve in curves.items()]
    traces = [
        line(curve.thinned(), look, name=label, marks="circle") for label, curve, look in lines
    ]
    flat = [] if row.trivial is None else [(row.trivial, "trivial")]
    plot = draw_lines(ident, traces, x="epoch", flat=flat)
    words = [summary(label, curve, "epoch") for label, curve, _ in lines]
    return Panel(_name(row), None, plot, f"{_name(row)}. {' '.join(words)}")


def _bars(
    ident: str,
    name: str,
    found: Families,
    changes: Mapping[str, float | None],
    looks_of: Looks,
    ends: tuple[float, float],
) -> Panel:
    labels = list(found.labels.values())
    values = [_number(changes.get(folder)) for folder in found.labels]
    colours = [looks_of[folder].colour for folder in found.labels]
    plot = draw_bars(ident, labels, values, colours, ends)
    words = [f"{label} {per_cent(value)}" for label, value in zip(labels, values, strict=True)]
    return Panel(name, None, plot, f"{name}: {', '.join(words)}.")


def _changes_map(found: Families, main: Sequence[FamilyRow]) -> Panel:
    cells = [[row.changes.get(folder) for folder in found.labels] for row in main]
    finite = [[None if v is None or not math.isfinite(v) else v for v in row] for row in cells]
    scale = scale_of([value for row in finite for value in row], shares=False)
    names, labels = [row.task for row in main], list(found.labels.values())
    plot = draw_cells("change-map", names, labels, finite, scale)
    return Panel(
        "Each task, in per cent",
        None,
        plot,
        f"The change of {len(main)} tasks by family, in per cent; the table has the numbers.",
        wide=is_wide(len(labels)),
        rows=round(height_of(len(names), len(labels)) / PANEL) or 1,
    )


def _name(row: FamilyRow) -> str:
    return f"{row.task}: {arrow(row.metric, row.higher_is_better)}"


def _number(value: float | None) -> float:
    return math.nan if value is None else value
