"""Charts of the conflicts between the tasks' gradients."""

from __future__ import annotations

import math
from itertools import islice, permutations

from plait.reports.draw.curves import (
    MOST_PANELS,
    Chart,
    Subject,
    curve_table,
    progress_panel,
    window,
)
from plait.reports.draw.heatmap import COSINES, SHARES, Scale, draw_cells, is_wide
from plait.reports.draw.style import GREY, Look, Panel
from plait.reports.draw.tables import MOST_ROWS, Table
from plait.reports.read.series import Series, curve_of
from plait.reports.words.text import number

MOST_WORDS = 24  # pairs that the description of a heat map names
Pair = tuple[str, str]


def conflict_charts(subject: Subject) -> list[Chart]:
    """Draws the cosine of each pair of tasks: over the steps, its mean, its share below zero."""
    if len(subject.run.tasks) < 2:
        text = "A run of one task has no pair of gradients to compare."
        return [Chart("cosines", "Gradient conflict", missing=text)]
    curves = _cosines(subject)
    if not curves:
        text = (
            "Cosines between the tasks' gradients were not recorded. Gradient methods always "
            "record them; for other balancers, train with the option measure_every."
        )
        return [Chart("cosines", "Gradient conflict", missing=text)]
    return [_over_steps(curves), _over_training(subject.run.tasks, curves)]


def _cosines(subject: Subject) -> dict[Pair, Series]:
    """Returns `{(task, other task): its cosines over the steps}`, in the order of the tasks."""
    steps = subject.run.steps
    measured = steps.step[steps.measured]
    each = zip(steps.pairs, steps.cosines.T, strict=True)
    curves = {pair: curve_of(measured, cosines) for pair, cosines in each}
    found = {pair: curve for pair, curve in curves.items() if curve.x}
    return {pair: found[pair] for pair in permutations(subject.run.tasks, 2) if pair in found}


def _over_steps(curves: dict[Pair, Series]) -> Chart:
    title = "Gradient cosines"
    worst = sorted(curves, key=lambda pair: -conflict_share(curves[pair]))[:MOST_PANELS]
    shown = [pair for pair in curves if pair in worst]
    panels = [
        progress_panel(f"cosines-{i}", _name(pair), Look(GREY), curves[pair], cosines=True)
        for i, pair in enumerate(shown)
    ]
    caption = (
        "1: two tasks want the same step; 0: they do not touch each other; below the dotted zero "
        f"line: they conflict. {window(list(curves.values()))}"
    )
    if len(shown) < len(curves):
        caption += f" The {len(shown)} of {len(curves)} pairs that conflict most often."
    columns = {_name(pair): curves[pair] for pair in shown}
    return Chart("cosines", title, caption, panels, [curve_table("Step", columns, title)])


def _over_training(tasks: list[str], curves: dict[Pair, Series]) -> Chart:
    title = "Gradient conflict"
    means = {pair: math.fsum(curve.y) / len(curve.y) for pair, curve in curves.items()}
    shares = {pair: conflict_share(curve) for pair, curve in curves.items()}
    panels = [
        _heat_map("conflict-0", "Mean cosine", tasks, means, COSINES),
        _heat_map("conflict-1", "Share of steps in conflict", tasks, shares, SHARES),
    ]
    listed = set(sorted(curves, key=lambda pair: -shares[pair])[:MOST_ROWS])
    rows = [
        [_name(pair), number(means[pair]), f"{shares[pair]:.1%}", str(len(curve.y))]
        for pair, curve in curves.items()
        if len(curves) <= MOST_ROWS or pair in listed
    ]
    head = ["Pair", "Mean cosine", "Steps in conflict", "Steps measured"]
    caption = "Over all of training. A step is in conflict where the cosine is negative."
    if len(rows) < len(curves):
        caption += f" The table has the {len(rows)} pairs that conflict most often."
    return Chart("conflict", title, caption, panels, [Table(head, rows, title)])


def conflict_share(curve: Series) -> float:
    """Returns the share of steps at which the cosine is negative."""
    return sum(value < 0 for value in curve.y) / len(curve.y)


def _heat_map(
    ident: str, title: str, tasks: list[str], values: dict[Pair, float], scale: Scale
) -> Panel:
    matrix = [[values.get((a, b), values.get((b, a))) for b in tasks] for a in tasks]
    words = [f"{_name(pair)} {scale.written(v)}" for pair, v in islice(values.items(), MOST_WORDS)]
    rest = f", and {len(values) - len(words)} more pairs" if len(values) > len(words) else ""
    plot = draw_cells(ident, tasks, tasks, matrix, scale)
    described = f"{title}: {', '.join(words)}{rest}."
    return Panel(title, None, plot, described, wide=is_wide(len(tasks)))


def _name(pair: Pair) -> str:
    return " and ".join(pair)
