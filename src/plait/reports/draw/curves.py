"""Pieces of all charts over steps and epochs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from plait.reports.draw.plot import draw_lines, line
from plait.reports.draw.style import Look, Panel
from plait.reports.draw.tables import Table
from plait.reports.read.run import Run
from plait.reports.read.series import TABLE_ROWS, Series, curve_of, evenly_spaced
from plait.reports.words.text import number
from plait.runs import StepColumns

MOST_CURVES = 8  # in a panel
MOST_PANELS = 12  # in a chart
BY_SIZE = "those with the largest last values"


@dataclass(frozen=True)
class Chart:
    """A titled group of panels with the numbers behind them.

    Attributes:
        ident: its name in the page.
        title: its heading.
        caption: how to read it.
        panels: the plots; empty if the data do not exist.
        tables: the numbers.
        legend: what the lines of all panels are, where the panels do not say it themselves.
        marks: what the points of all panels are, likewise.
        broad: whether its panels need more than a third of the page.
        missing: why there is nothing to see, and how to get it.
    """

    ident: str
    title: str
    caption: str = ""
    panels: list[Panel] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    legend: Mapping[str, Look] = field(default_factory=dict)
    marks: Mapping[str, Look] = field(default_factory=dict)
    broad: bool = False
    missing: str = ""


@dataclass(frozen=True)
class Subject:
    """The run that charts draw, with the looks of its tasks.

    Attributes:
        run: the run; in a comparison, the joint one.
        single: the run of each task alone; empty outside a comparison.
        looks: how each task is drawn.
    """

    run: Run
    single: Mapping[str, Run]
    looks: Mapping[str, Look]


def step_curve(run: Run | None, values: Callable[[StepColumns], np.ndarray]) -> Series:
    """Returns the curve of a value over the steps that have it; empty if `run` is None."""
    return Series([], []) if run is None else curve_of(run.steps.step, values(run.steps))


def progress_panel(
    ident: str,
    name: str,
    look: Look,
    curve: Series,
    *,
    alone: Series | None = None,
    log: bool | None = None,
    cosines: bool = False,
) -> Panel:
    """Draws a value over the steps: each as a faint line, the running mean as a strong one.

    Args:
        ident: the chart's name in the page.
        name: the panel's title.
        look: colour of the lines.
        curve: the value.
        alone: the same value of single-task training.
        log: whether the vertical axis is logarithmic; by default, where the values span more than
            a factor of 100.
        cosines: whether the values are cosines: the axis has all of [-1, 1], and zero is marked.
    """
    look = Look(look.colour)
    traces = progress_lines(curve, look, name)
    if alone is not None and alone.x:
        traces.append(line(alone.smoothed(), Look(look.colour, "dash"), name="alone"))
    flat = [(0.0, "")] if cosines else []
    log = curve.wide if log is None else log
    plot = draw_lines(ident, traces, x="step", log=log, flat=flat, cosines=cosines)
    return Panel(name, look, plot, summary(name, curve, "step"))


def progress_lines(curve: Series, look: Look, name: str) -> list[Any]:
    """Returns two lines: the curve itself, faint, and its running mean, strong, over it."""
    faint = [line(curve.thinned(), look, width=1, faint=True)] if curve.half_window else []
    marks = "circle" if len(curve.x) == 1 else ""  # a line through one point cannot be seen
    return [*faint, line(curve.smoothed(), look, name=name, marks=marks)]


def many_panel(
    ident: str, curves: Mapping[str, Series], looks: Mapping[str, Look], name: str = ""
) -> Panel:
    """Draws several values of one unit in one panel with a legend; at most `MOST_CURVES` or so."""
    traces = [
        trace
        for each, curve in curves.items()
        for trace in progress_lines(curve, looks[each], each)
    ]
    everything = Series([], [value for curve in curves.values() for value in curve.y])
    plot = draw_lines(ident, traces, x="step", log=everything.wide, legend=True)
    words = [summary(each, curve, "step") for each, curve in curves.items()]
    return Panel(name, None, plot, " ".join(words))


def summary(name: str, curve: Series, unit: str) -> str:
    """Returns a curve in words: where it begins and where it ends."""
    first, last = number(curve.y[0]), number(curve.y[-1])
    return f"{name}: {first} at {unit} {curve.x[0]}, {last} at {unit} {curve.x[-1]}."


def curve_table(unit: str, columns: Mapping[str, Series], caption: str) -> Table:
    """Returns the values of all curves (not their means) in at most `TABLE_ROWS` even rows."""
    places = sorted({x for curve in columns.values() for x in curve.x})
    values = [dict(zip(curve.x, curve.y, strict=True)) for curve in columns.values()]
    kept = [places[i] for i in evenly_spaced(len(places), TABLE_ROWS)]
    rows = [[str(x), *(number(column.get(x)) for column in values)] for x in kept]
    return Table([unit, *columns], rows, caption)


def window(curves: Sequence[Series], each: str = "step") -> str:
    """Returns a sentence on the lines of a chart: each point, or the mean over a window."""
    half = max((curve.half_window for curve in curves), default=0)
    if not half:
        return f"The line shows each {each}."
    return f"Thin: each {each}. Strong: the mean over {2 * half + 1} {each}s around it."


def some_of(shown: int, known: int, what: str) -> str:
    """Returns a sentence that counts the curves drawn; "" if all are.

    Example:
        >>> some_of(8, 139, "tasks, those with the largest last values")
        ' Drawn are 8 of 139 tasks, those with the largest last values.'
    """
    return f" Drawn are {shown} of {known} {what}." if shown < known else ""
