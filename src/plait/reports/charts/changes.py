"""Charts of the changes by joint training: each member, each task, against single-task networks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from plait.reports.draw.curves import MOST_PANELS, PANEL, Chart
from plait.reports.draw.heatmap import draw_cells, height_of, is_wide, scale_of
from plait.reports.draw.plot import draw_bars
from plait.reports.draw.style import GREY, Look, Panel
from plait.reports.draw.tables import Table
from plait.reports.words.text import arrow, per_cent_over
from plait.runs import Comparison, MetricRow
from plait.runs.comparison import mean

_MOST_BARS = 24
_TITLE = "Change against single-task networks"
_UNIT = "In per cent, positive is better"
Looks = Mapping[str, Look]


def change_chart(found: Comparison, looks_of: Looks) -> Chart:
    """Draws the changes: all metrics of a lone member in one panel, else task by task.

    Args:
        found: the comparison.
        looks_of: how each task is drawn where there is one member, else how each member is.
    """
    if len(found.members) == 1:
        return _of_one(found, looks_of)
    return _of_several(found, looks_of)


def change_table(found: Comparison) -> Table:
    """Returns each metric's change by member, and the mean over the tasks."""
    rows = [[row.task, row.metric, *map(per_cent_over, row.changes.values())] for row in found.rows]
    means = ["All tasks", "Δm", *(per_cent_over(member.delta_m) for member in found.members)]
    return Table(["Task", "Metric", *found.labels.values()], [means, *rows], "Changes")


def _of_one(found: Comparison, looks_of: Looks) -> Chart:
    (member,) = found.members
    rows, name = found.rows, ""
    if len(rows) > _MOST_BARS:
        known = [row for row in rows if not math.isnan(mean(row.changes[member.name]))]
        ordered = sorted(known, key=lambda row: -mean(row.changes[member.name]))
        half = _MOST_BARS // 2
        rows = ordered if len(ordered) <= _MOST_BARS else [*ordered[:half], *ordered[-half:]]
        name = f"The best and the worst of {len(found.rows)}"
    names = ["Δm", *(f"{row.task}: {row.metric}" for row in rows)]
    values = [member.delta_m, *(row.changes[member.name] for row in rows)]
    colours = [GREY, *(looks_of[row.task].colour for row in rows)]
    panel = _bars("change-0", name, names, values, colours)
    caption = f"{_UNIT}; Δm is the mean over the tasks.{_seeds(found)}"
    return Chart("change", _TITLE, caption, [panel], [change_table(found)])


def _of_several(found: Comparison, looks_of: Looks) -> Chart:
    main = [rows[0] for rows in found.tasks.values() if rows]
    few = len(main) <= MOST_PANELS
    groups = {"Mean over the tasks (Δm)": {each.name: each.delta_m for each in found.members}}
    if few:
        groups |= {f"{row.task}: {_metric(row)}": row.changes for row in main}
    known = [
        value
        for changes in groups.values()
        for values in changes.values()
        for value in values
        if math.isfinite(value)
    ]
    ends = min([0.0, *known]), max([0.0, *known])
    labels = list(found.labels.values())
    colours = [looks_of[name].colour for name in found.labels]
    panels = [
        _bars(f"change-{index}", name, labels, list(changes.values()), colours, ends)
        for index, (name, changes) in enumerate(groups.items())
    ]
    scale = " All bars have one scale." if few else ""
    caption = f"{_UNIT}.{scale} The main metric of each task; the table has all.{_seeds(found)}"
    if not few:
        panels.append(_map(found, main))
    return Chart("change", _TITLE, caption, panels, [change_table(found)])


def _bars(
    ident: str,
    name: str,
    labels: Sequence[str],
    values: Sequence[Sequence[float]],
    colours: Sequence[str],
    ends: tuple[float, float] | None = None,
) -> Panel:
    plot = draw_bars(ident, labels, values, colours, ends)
    words = ", ".join(
        f"{label} {per_cent_over(each)}" for label, each in zip(labels, values, strict=True)
    )
    return Panel(name, None, plot, f"{name}: {words}." if name else f"{words}.")


def _map(found: Comparison, main: Sequence[MetricRow]) -> Panel:
    """Draws the members' changes of many tasks as a heat map."""
    means = [[mean(values) for values in row.changes.values()] for row in main]
    cells = [[value if math.isfinite(value) else None for value in row] for row in means]
    scale = scale_of([value for row in cells for value in row], shares=False)
    names, labels = [row.task for row in main], list(found.labels.values())
    plot = draw_cells("change-map", names, labels, cells, scale)
    return Panel(
        "Each task, in per cent",
        None,
        plot,
        f"The change of {len(main)} tasks by network, in per cent; the table has the numbers.",
        wide=is_wide(len(labels)),
        rows=round(height_of(len(names), len(labels)) / PANEL) or 1,
    )


def _metric(row: MetricRow) -> str:
    return arrow(row.metric, row.higher_is_better)


def _seeds(found: Comparison) -> str:
    return " Bars: the mean over the seeds; circles: each seed." if len(found.seeds) > 1 else ""
