"""Charts of what balancers see and do in each member: weights of tasks, cosines of gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from plait.reports.draw.curves import (
    BY_SIZE,
    MOST_CURVES,
    MOST_PANELS,
    Chart,
    curve_table,
    some_of,
    step_curve,
    summary,
)
from plait.reports.draw.heatmap import COSINES, draw_cells, is_wide
from plait.reports.draw.plot import draw_lines, line
from plait.reports.draw.style import Look, Panel
from plait.reports.draw.tables import MOST_ROWS, Table
from plait.reports.read.comparison import Compared
from plait.reports.read.run import Run
from plait.reports.read.series import Series, largest, over_seeds
from plait.reports.words.notable import notable
from plait.reports.words.text import number

Looks = Mapping[str, Look]
_POINTS = 150  # of a line in a small panel


def weights_chart(compared: Compared, looks_of: Looks) -> Chart:
    """Draws the weights of the tasks over the steps, the mean over the seeds of each member.

    Args:
        compared: the comparison.
        looks_of: how each task is drawn.
    """
    title = "Task weights"
    panels: list[Panel] = []
    columns: dict[str, Series] = {}
    legend: dict[str, Look] = {}
    for name, runs in compared.joint.items():
        label = compared.found.labels[name]
        curves = _weights(runs)
        if not curves or all(_constant(curve) for curve in curves.values()):
            continue
        kept = largest(curves, MOST_CURVES)
        if len(panels) < MOST_PANELS:
            legend |= {task: looks_of[task] for task in kept}
            panels.append(_weight_panel(f"weights-{len(panels)}", label, kept, looks_of))
        columns |= {f"{label}: {task}": curve for task, curve in kept.items()}
    if not panels:
        text = "No weight changes over the training, in any of the networks."
        return Chart("weights", title, missing=text)
    caption = "What each task's gradient counted; the mean over the seeds, smoothed."
    caption += some_of(min(MOST_CURVES, len(looks_of)), len(looks_of), f"tasks, {BY_SIZE}")
    return Chart("weights", title, caption, panels, [curve_table("Step", columns, title)], legend)


def cosine_chart(compared: Compared) -> Chart:
    """Draws the mean cosine of each pair of tasks, over the steps and seeds, for each member."""
    title = "Gradient cosines"
    tasks = notable(compared.found)
    panels: list[Panel] = []
    columns: dict[str, dict[tuple[str, str], float]] = {}
    known = set(tasks)
    for name, runs in compared.joint.items():
        means = {pair: x for pair, x in _cosines(runs).items() if known.issuperset(pair)}
        if not means:
            continue
        label = compared.found.labels[name]
        columns[label] = means
        if len(panels) < MOST_PANELS:
            cells = [[means.get((a, b), means.get((b, a))) for b in tasks] for a in tasks]
            plot = draw_cells(f"cosines-{len(panels)}", tasks, tasks, cells, COSINES)
            words = ", ".join(f"{a} and {b} {v:+.2f}" for (a, b), v in list(means.items())[:24])
            panels.append(Panel(label, None, plot, f"{label}: {words}.", wide=is_wide(len(tasks))))
    if not panels:
        text = (
            "Cosines between the tasks' gradients were not recorded, or the networks share none. "
            "Gradient methods always record them; other balancers do with measure_every."
        )
        return Chart("cosines", title, missing=text)
    rows = [
        [
            f"{a} and {b}",
            *(number(means.get((a, b), means.get((b, a)))) for means in columns.values()),
        ]
        for a, b in list(combinations(tasks, 2))[:MOST_ROWS]
    ]
    caption = "Means over the training and the seeds. Blue: two tasks want the same step; orange: "
    caption += "they conflict."
    caption += some_of(len(tasks), len(compared.found.metrics), "tasks, those named above")
    return Chart("cosines", title, caption, panels, [Table(["Pair", *columns], rows, title)])


def _weights(runs: Sequence[Run]) -> dict[str, Series]:
    """Returns `{task: its weight over the steps}`, the mean over the seeds."""
    tasks = list(dict.fromkeys(task for run in runs for task in run.tasks))
    found = {task: over_seeds([_weight(run, task) for run in runs]) for task in tasks}
    return {task: spread.mean for task, spread in found.items() if spread is not None}


def _weight(run: Run, task: str) -> Series:
    return step_curve(run, lambda steps: steps.of(steps.weights, task))


def _constant(curve: Series) -> bool:
    return min(curve.y) == max(curve.y)


def _weight_panel(ident: str, name: str, curves: Mapping[str, Series], looks_of: Looks) -> Panel:
    traces = [
        line(curve.smoothed(_POINTS), looks_of[task], name=task) for task, curve in curves.items()
    ]
    log = all(min(curve.y) > 0 for curve in curves.values()) and any(
        curve.wide for curve in curves.values()
    )
    words = [summary(task, curve, "step") for task, curve in curves.items()]
    return Panel(name, None, draw_lines(ident, traces, x="step", log=log), " ".join(words))


def _cosines(runs: Sequence[Run]) -> dict[tuple[str, str], float]:
    """Returns `{(task, other): mean cosine}` over all steps of all runs."""
    values: dict[tuple[str, str], list[np.ndarray]] = {}
    for run in runs:
        for pair, cosines in zip(run.steps.pairs, run.steps.cosines.T, strict=True):
            values.setdefault(pair, []).append(cosines[~np.isnan(cosines)])
    found = {pair: np.concatenate(each) for pair, each in values.items()}
    return {pair: float(each.mean()) for pair, each in found.items() if len(each)}
