"""The metrics of all members of a comparison over the epochs, drawn over each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plait.reports.charts.trade import ALONE
from plait.reports.charts.training import EVENLY, metric_curve
from plait.reports.draw.curves import (
    MOST_PANELS,
    Chart,
    curve_table,
    some_of,
    summary,
)
from plait.reports.draw.plot import band, draw_lines, line
from plait.reports.draw.style import Look, Panel
from plait.reports.read.comparison import Compared
from plait.reports.read.run import Run
from plait.reports.read.series import Series, Spread, evenly_spaced, over_seeds
from plait.reports.words.notable import notable
from plait.reports.words.text import arrow
from plait.reports.words.verdict import SINGLE
from plait.runs.comparison import mean

Looks = Mapping[str, Look]
Spreads = dict[str, Spread]


def member_chart(compared: Compared, looks_of: Looks) -> Chart:
    """Draws the main metric of each task after each epoch, of all members and of the task alone.

    Args:
        compared: the comparison; lines are means over the seeds, areas their spread.
        looks_of: how each member is drawn, by name.
    """
    title = "Validation"
    found = compared.found
    known = [task for task, metrics in found.metrics.items() if metrics]
    main = [(task, next(iter(found.metrics[task]))) for task in notable(found) if task in known]
    drawn = evenly_spaced(len(main), MOST_PANELS)
    panels: list[Panel] = []
    columns: dict[str, Series] = {}
    for index, (task, metric) in enumerate(main):
        curves = _curves(compared, task, metric)
        if index in drawn and curves:
            name = f"{task}: {arrow(metric, found.metrics[task][metric].higher_is_better)}"
            trivial = mean(found.metrics[task][metric].trivial)
            ident, looks = f"validation-{index}", _named(compared, looks_of)
            panels.append(_metric_panel(ident, name, curves, trivial, looks))
        columns |= {f"{task}: {metric}, {label}": each.mean for label, each in curves.items()}
    if not panels:
        text = "No metric was evaluated. Give training validation data, and the tasks metrics."
        return Chart("validation", title, missing=text)
    caption = "The main metric of each task. Dotted in grey: the trivial predictor."
    if len(found.seeds) > 1:
        caption += " Lines: the mean over the seeds; areas: one standard deviation on both sides."
    few = len(main) == len(known)
    caption += some_of(len(drawn), len(known), EVENLY if few else "tasks, those named above")
    tables = [curve_table("Epoch", columns, title)]
    return Chart("validation", title, caption, panels, tables, _named(compared, looks_of))


def _named(compared: Compared, looks_of: Looks) -> dict[str, Look]:
    """Returns the look of each member that was trained, and of the separate networks, by label."""
    labels = compared.found.labels
    return {
        **{labels[name]: looks_of[name] for name, runs in compared.joint.items() if runs},
        SINGLE: ALONE,
    }


def _curves(compared: Compared, task: str, metric: str) -> Spreads:
    """Returns `{label: curve}` of one metric; what was never evaluated has none."""
    groups = {compared.found.labels[name]: runs for name, runs in compared.joint.items()}
    groups[SINGLE] = compared.single.get(task, [])
    found = {label: _spread(runs, task, metric) for label, runs in groups.items()}
    return {label: spread for label, spread in found.items() if spread is not None}


def _spread(runs: Sequence[Run], task: str, metric: str) -> Spread | None:
    curves = [metric_curve(run, task, metric) for run in runs]
    return over_seeds([curve for curve in curves if curve.x])


def _metric_panel(ident: str, name: str, curves: Spreads, trivial: float, looks_of: Looks) -> Panel:
    turned = list(reversed(curves.items()))
    areas = [
        band(each.mean.x, each.low, each.high, looks_of[label])
        for label, each in turned
        if each.low != each.high
    ]
    lines = [
        line(each.mean.thinned(), looks_of[label], name=label, marks="circle")
        for label, each in turned
    ]
    flat = [(trivial, "trivial")] if trivial == trivial else []
    plot = draw_lines(ident, [*areas, *lines], x="epoch", flat=flat)
    words = [summary(label, each.mean, "epoch") for label, each in curves.items()]
    return Panel(name, None, plot, f"{name}. {' '.join(words)}")
