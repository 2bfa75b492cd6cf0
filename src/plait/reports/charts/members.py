"""Charts of the members of a comparison, drawn over each other."""

from __future__ import annotations

from collections.abc import Mapping

from plait.reports.charts.training import EVENLY, metric_curve
from plait.reports.draw.curves import MOST_PANELS, Chart, curve_table, some_of, summary
from plait.reports.draw.plot import draw_lines, line
from plait.reports.draw.style import GREY, Look, Panel
from plait.reports.read.comparison import Compared
from plait.reports.read.series import Series, evenly_spaced
from plait.reports.words.text import arrow
from plait.runs import Comparison, MetricRow
from plait.runs.comparison import mean

SINGLE = "Single-task"
_ALONE = Look(GREY, "dash")


def member_chart(compared: Compared, looks_of: Mapping[str, Look]) -> Chart:
    """Draws the main metric of each task after each epoch, of all members and of the task alone.

    Args:
        compared: the comparison; of several seeds, the first is drawn.
        looks_of: how each member is drawn, by name.
    """
    title = "Validation"
    found = compared.found
    main = [rows[0] for rows in found.tasks.values() if rows]
    drawn = evenly_spaced(len(main), MOST_PANELS)
    panels: list[Panel] = []
    columns: dict[str, Series] = {}
    for index, row in enumerate(main):
        curves = _curves(compared, row)
        if index in drawn and curves:
            panels.append(_panel(f"validation-{index}", row, curves, named(found, looks_of)))
        columns |= {f"{row.task}: {row.metric}, {label}": each for label, each in curves.items()}
    if not panels:
        text = "No metric was evaluated. Give training validation data, and the tasks metrics."
        return Chart("validation", title, missing=text)
    caption = "The main metric of each task. Dotted in grey: the trivial predictor."
    caption += some_of(len(drawn), len(main), EVENLY)
    tables = [curve_table("Epoch", columns, title)]
    return Chart("validation", title, caption, panels, tables, named(found, looks_of))


def named(found: Comparison, looks_of: Mapping[str, Look]) -> dict[str, Look]:
    """Returns the look of each member, and of the single-task networks, by its label."""
    return {**{label: looks_of[name] for name, label in found.labels.items()}, SINGLE: _ALONE}


def _curves(compared: Compared, row: MetricRow) -> dict[str, Series]:
    """Returns `{label: curve}` of one metric; a run that was never evaluated has none."""
    runs = {compared.found.labels[name]: runs[0] for name, runs in compared.joint.items()}
    runs[SINGLE] = compared.single[row.task][0]
    curves = {label: metric_curve(run, row.task, row.metric) for label, run in runs.items()}
    return {label: curve for label, curve in curves.items() if curve.x}


def _panel(
    ident: str, row: MetricRow, curves: Mapping[str, Series], looks_of: Mapping[str, Look]
) -> Panel:
    traces = [
        line(curve.thinned(), looks_of[label], name=label, marks="circle")
        for label, curve in reversed(list(curves.items()))
    ]
    plot = draw_lines(ident, traces, x="epoch", flat=[(mean(row.trivial), "trivial")])
    name = f"{row.task}: {arrow(row.metric, row.higher_is_better)}"
    words = [summary(label, curve, "epoch") for label, curve in curves.items()]
    return Panel(name, None, plot, f"{name}. {' '.join(words)}")
