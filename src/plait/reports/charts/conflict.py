"""Charts of the conflicts between the tasks' gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice, permutations

import numpy as np

from plait.core.many import MANY, quantiles
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
from plait.reports.read.series import curve_of
from plait.reports.words.text import number
from plait.runs import StepColumns

MOST_WORDS = 24  # pairs that the description of a heat map names
Pair = tuple[str, str]


def conflict_charts(subject: Subject) -> list[Chart]:
    """Draws the cosine of each pair of tasks: over the steps, its mean, its share below zero."""
    if len(subject.run.tasks) < 2:
        text = "A run of one task has no pair of gradients to compare."
        return [Chart("cosines", "Gradient conflict", missing=text)]
    pairs = _pairs(subject)
    if not pairs:
        text = (
            "Cosines between the tasks' gradients were not recorded. Gradient methods always "
            "record them; for other balancers, train with the option measure_every."
        )
        return [Chart("cosines", "Gradient conflict", missing=text)]
    return [_over_steps(subject.run.steps, pairs), _over_training(subject.run.tasks, pairs)]


@dataclass(frozen=True)
class _Cosines:
    """The cosines of a pair of tasks over all of training.

    Attributes:
        column: their place in the log.
        mean: of them.
        share: of the steps at which they are negative.
        steps: how many there are.
    """

    column: int
    mean: float
    share: float
    steps: int


def _pairs(subject: Subject) -> dict[Pair, _Cosines]:
    """Returns `{(task, other task): its cosines}`, in the order of the tasks."""
    steps = subject.run.steps
    known = np.isfinite(steps.cosines)
    count = known.sum(axis=0)
    total = np.where(known, steps.cosines, 0.0).sum(axis=0)
    below = conflicts(steps.cosines)
    found = {
        pair: _Cosines(place, total[place] / count[place], below[place], int(count[place]))
        for place, pair in enumerate(steps.pairs)
        if count[place]
    }
    return {pair: found[pair] for pair in permutations(subject.run.tasks, 2) if pair in found}


def conflicts(cosines: np.ndarray) -> np.ndarray:
    """Returns the share of steps at which each cosine is negative, of those that have it.

    Args:
        cosines: `[M, P]`, with a column for each pair; NaN where a step has none.
    """
    count = np.isfinite(cosines).sum(axis=0)
    share: np.ndarray = (cosines < 0).sum(axis=0) / np.maximum(count, 1)
    return share


def _over_steps(steps: StepColumns, pairs: dict[Pair, _Cosines]) -> Chart:
    title = "Gradient cosines"
    worst = set(sorted(pairs, key=_by_conflict(pairs))[:MOST_PANELS])
    measured = steps.step[steps.measured]
    shown = {
        pair: curve_of(measured, steps.cosines[:, each.column])
        for pair, each in pairs.items()
        if pair in worst
    }
    panels = [
        progress_panel(f"cosines-{i}", _name(pair), Look(GREY), curve, cosines=True)
        for i, (pair, curve) in enumerate(shown.items())
    ]
    caption = (
        "1: two tasks want the same step; 0: they do not touch each other; below the dotted zero "
        f"line: they conflict. {window(list(shown.values()))}"
    )
    if len(shown) < len(pairs):
        caption += f" The {len(shown)} of {len(pairs)} pairs that conflict most often."
    columns = {_name(pair): curve for pair, curve in shown.items()}
    return Chart("cosines", title, caption, panels, [curve_table("Step", columns, title)])


def _over_training(tasks: list[str], pairs: dict[Pair, _Cosines]) -> Chart:
    title = "Gradient conflict"
    drawn = tasks if len(tasks) <= MANY else _most_in_conflict(tasks, pairs)
    there = set(drawn)
    inside = {pair: each for pair, each in pairs.items() if there.issuperset(pair)}
    means = {pair: each.mean for pair, each in inside.items()}
    shares = {pair: each.share for pair, each in inside.items()}
    panels = [
        _heat_map("conflict-0", "Mean cosine", drawn, means, COSINES),
        _heat_map("conflict-1", "Share of steps in conflict", drawn, shares, SHARES),
    ]
    most = MOST_ROWS if len(tasks) <= MANY else MANY
    listed = set(sorted(pairs, key=_by_conflict(pairs))[:most])
    rows = [
        [_name(pair), number(each.mean), f"{each.share:.1%}", str(each.steps)]
        for pair, each in pairs.items()
        if pair in listed
    ]
    head = ["Pair", "Mean cosine", "Steps in conflict", "Steps measured"]
    caption = "Over all of training. A step is in conflict where the cosine is negative."
    if len(drawn) < len(tasks):
        means_of_all = quantiles(each.mean for each in pairs.values())
        low, _, middle, _, high = map(COSINES.written, means_of_all)
        caption += (
            f" Over all {len(pairs):,} pairs the mean cosine is {low} at the lowest 5 %, "
            f"{middle} in the middle and {high} at the highest 5 %. Drawn are the {len(drawn)} of "
            f"{len(tasks)} tasks that conflict most often with the others."
        )
    if len(rows) < len(pairs):
        caption += f" The table has the {len(rows)} pairs that conflict most often."
    return Chart("conflict", title, caption, panels, [Table(head, rows, title)])


def _by_conflict(pairs: dict[Pair, _Cosines]) -> Callable[[Pair], tuple[float, float]]:
    """Returns the key that puts the pairs first that conflict most often, then most strongly."""
    return lambda pair: (-pairs[pair].share, pairs[pair].mean)


def _most_in_conflict(tasks: list[str], pairs: dict[Pair, _Cosines]) -> list[str]:
    """Returns the tasks with the largest mean share of steps in conflict with another one."""
    total = dict.fromkeys(tasks, 0.0)
    count = dict.fromkeys(tasks, 0)
    for pair, each in pairs.items():
        for task in pair:
            total[task] += each.share
            count[task] += 1
    order = sorted(tasks, key=lambda task: -total[task] / max(count[task], 1))
    kept = set(order[:MANY])
    return [task for task in tasks if task in kept]


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
