"""Many tasks over the steps or epochs: quantiles over the tasks, the worst and the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plait.core.many import QUANTILES, quantiles, worst_and_best
from plait.reports.draw.curves import summary
from plait.reports.draw.plot import draw_lines, line
from plait.reports.draw.style import GREY, Look, Panel
from plait.reports.read.series import Series, curve_of

EACH = 4  # of the worst tasks, and of the best
_POINTS = 150  # of a quantile's curve
_BLUE = "#0072B2"
_LOOKS = (Look(GREY, "dot"), Look(_BLUE, "dash"), Look(_BLUE), Look(_BLUE, "dash"))
_NAMES = {50: "median"}


@dataclass(frozen=True)
class Overview:
    """The curves that are shown in place of one for each task.

    Attributes:
        panel: the quantiles over the tasks.
        curves: `{quantile: curve}`.
        tasks: the worst ones, then the best.
        note: a sentence on them.
    """

    panel: Panel
    curves: dict[str, Series]
    tasks: list[str]
    note: str


def overview(
    ident: str,
    name: str,
    tasks: Sequence[str],
    x: np.ndarray,
    values: np.ndarray,
    *,
    higher: bool,
    unit: str = "step",
) -> Overview | None:
    """Returns the quantiles over the tasks, and the tasks whose last values are worst and best.

    Args:
        ident: the chart's name in the page.
        name: the panel's title.
        tasks: names of the columns.
        x: the steps or epochs, `[S]`.
        values: one column for each task, `[S, T]`; NaN where a task has none.
        higher: whether a higher value is better.
        unit: of `x`.

    Returns:
        None if no value is finite.
    """
    places, means = _stretches(x, values)
    rows = np.array([quantiles(row) for row in means]).reshape(-1, len(QUANTILES))
    names = [_NAMES.get(share, f"{share} %") for share in QUANTILES]
    curves = {n: curve_of(places, column) for n, column in zip(names, rows.T, strict=True)}
    if not curves[names[0]].x:
        return None
    looks = dict(zip(names, (*_LOOKS, _LOOKS[0]), strict=True))
    marks = "circle" if len(places) == 1 else ""
    traces = [line(curve, looks[n], name=n, marks=marks) for n, curve in curves.items()]
    log = all(curve.y and min(curve.y) > 0 for curve in curves.values())
    log = log and max(curves[names[-1]].y) > 100 * min(curves[names[0]].y)
    words = " ".join(summary(n, curve, unit) for n, curve in curves.items())
    panel = Panel(name, None, draw_lines(ident, traces, x=unit, log=log, legend=True), words)
    last = {task: _last(column) for task, column in zip(tasks, means.T, strict=True)}
    scores = {task: value if higher else -value for task, value in last.items()}
    worst, best = worst_and_best(scores, EACH)
    note = (
        f"Quantiles over {len(tasks)} tasks, then the {len(worst)} tasks where it is "
        f"{'lowest' if higher else 'highest'} in the end, and the {len(best)} where it is "
        f"{'highest' if higher else 'lowest'}."
    )
    return Overview(panel, curves, [*worst, *reversed(best)], note)


def _stretches(x: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the means of each task over at most `_POINTS` stretches, and where these end."""
    starts = np.unique(np.linspace(0, len(x), min(len(x), _POINTS), endpoint=False, dtype=np.int64))
    if not len(starts):
        return x, values
    known = np.isfinite(values)
    total = np.add.reduceat(np.where(known, values, 0.0), starts)
    count = np.add.reduceat(known.astype(np.int64), starts)
    means = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    return x[np.append(starts[1:], len(x)) - 1], means


def _last(column: np.ndarray) -> float:
    known = column[np.isfinite(column)]
    return float(known[-1]) if len(known) else np.nan


def against_first(values: np.ndarray) -> np.ndarray:
    """Returns each column divided by its first finite number; NaN where that is not above 0.

    Args:
        values: `[S, T]`.
    """
    if not len(values):
        return values
    known = np.isfinite(values)
    first = values[known.argmax(axis=0), np.arange(values.shape[1])]
    usable = known.any(axis=0) & (first > 0)
    return values / np.where(usable, first, np.nan)
