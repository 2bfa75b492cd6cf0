"""Charts of the terms beside the losses: lambda R, alpha C, auxiliary terms."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from plait.reports.charts.training import NEUTRAL, NO_STEPS
from plait.reports.draw.curves import (
    BY_SIZE,
    MOST_CURVES,
    MOST_PANELS,
    Chart,
    Subject,
    curve_table,
    many_panel,
    progress_panel,
    some_of,
    step_curve,
    window,
)
from plait.reports.draw.style import Panel, looks
from plait.reports.draw.tables import MOST_ROWS, Table
from plait.reports.read.run import Run
from plait.reports.read.series import Series, largest
from plait.reports.words.text import number
from plait.runs import StepColumns

_MOST_COLUMNS = 24  # terms up to which the table has all their curves
Curves = dict[str, Series]


def term_chart(subject: Subject, ident: str = "terms") -> Chart:
    """Draws the penalties: a panel for each term, and one for all edges of a connection."""
    title = "Penalties"
    bare, scaled = _curves(subject.run, 0), _curves(subject.run, 1)
    if not scaled:
        text = "There are none: the objective has the tasks' losses only."
        return Chart(ident, title, missing=text if len(subject.run.steps) else NO_STEPS)
    groups = _groups(scaled)
    drawn: list[str] = []
    panels: list[Panel] = []
    notes = ""
    sizes = {group: _sum(subject.run, names) for group, names in groups.items()}
    for index, group in enumerate(largest(sizes, MOST_PANELS)):
        names = groups[group]
        if len(names) == 1:
            panels.append(progress_panel(f"{ident}-{index}", names[0], NEUTRAL, scaled[names[0]]))
            drawn += names
            continue
        kept = largest({name: scaled[name] for name in names}, MOST_CURVES)
        notes += some_of(len(kept), len(names), f"edges of {group}, {BY_SIZE}, and the sum of all")
        whole = {} if len(kept) == len(names) else {f"All {len(names)} edges": sizes[group]}
        panels.append(_edges(f"{ident}-{index}", group, kept, whole))
        drawn += kept
    notes += some_of(len(panels), len(groups), f"terms, {BY_SIZE}")
    shown = list(scaled) if len(scaled) <= _MOST_COLUMNS else drawn
    columns: Curves = {}
    for name in shown:
        columns |= {name: bare.get(name, Series([], [])), f"{name}, scaled": scaled[name]}
    caption = (
        "Strength times term, as it was added to the objective; the table has the bare term too. "
        f"{window(list(columns.values()))}{notes}"
    )
    tables = [curve_table("Step", columns, title)]
    if len(shown) < len(scaled):
        tables.append(_last_values(bare, scaled, title))
    return Chart(ident, title, caption, panels, tables)


def _curves(run: Run, part: int) -> Curves:
    """Returns `{term: curve}` of the finite values: bare (part 0), or times strength (part 1)."""
    names = dict.fromkeys(name for terms in run.steps.terms for name in terms)
    found = {name: step_curve(run, _term(name, part)) for name in names}
    return {name: curve for name, curve in found.items() if curve.x}


def _groups(names: Mapping[str, Series]) -> dict[str, list[str]]:
    """Groups the terms: edges of one connection together, every other term by itself."""
    groups: dict[str, list[str]] = {}
    for name in names:
        connection, _, edge = name.partition("[")
        groups.setdefault(connection if " -> " in edge else name, []).append(name)
    return groups


def _sum(run: Run, names: list[str]) -> Series:
    def value(terms: Mapping[str, tuple[float, float]]) -> float:
        there = [terms[name][1] for name in names if name in terms]
        finite = [value for value in there if math.isfinite(value)]
        return math.fsum(finite) if finite else math.nan

    return step_curve(run, lambda steps: np.array([value(terms) for terms in steps.terms]))


def _edges(ident: str, group: str, curves: Curves, whole: Curves) -> Panel:
    """Draws the edges of one connection, whose costs have one unit."""
    named = {name.partition("[")[2].removesuffix("]"): curve for name, curve in curves.items()}
    known = {**looks(named), **dict.fromkeys(whole, NEUTRAL)}
    panel = many_panel(ident, {**named, **whole}, known, group)
    return replace(panel, wide=len(named) > MOST_CURVES // 2)  # a long legend


def _last_values(bare: Curves, scaled: Curves, title: str) -> Table:
    rows = [
        [name, number(bare[name].y[-1] if name in bare else None), number(curve.y[-1])]
        for name, curve in largest(scaled, MOST_ROWS).items()
    ]
    return Table(["Term", "Last value", "Last value, scaled"], rows, f"{title}, last values")


def _term(name: str, part: int) -> Callable[[StepColumns], np.ndarray]:
    missing = (math.nan, math.nan)
    return lambda steps: np.array([terms.get(name, missing)[part] for terms in steps.terms])
