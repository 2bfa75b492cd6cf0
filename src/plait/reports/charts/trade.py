"""Charts of quality against cost: parameters, and the time of training."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from plait.core.sentences import listed
from plait.reports.draw.curves import Chart
from plait.reports.draw.scatter import Point, draw_points, front
from plait.reports.draw.style import GREY, Look, Panel
from plait.reports.draw.tables import Table
from plait.reports.words.text import duration, per_cent
from plait.reports.words.verdict import SINGLE, span
from plait.runs import Comparison, MemberResult
from plait.runs.comparison import mean

ALONE = Look(GREY, "dash")


def trade_chart(found: Comparison, looks_of: Mapping[str, Look]) -> Chart:
    """Draws the mean change of each member against its parameters and its training time.

    Args:
        found: the comparison.
        looks_of: how each member is drawn, by name.
    """
    costs: dict[str, tuple[str, Callable[[MemberResult], float]]] = {
        "Quality against size": ("million parameters", lambda member: member.parameters / 1e6),
        "Quality against time": ("minutes of training", lambda member: mean(member.seconds) / 60),
    }
    panels: list[Panel] = []
    for index, (name, (unit, cost)) in enumerate(costs.items()):
        points = _points(found, looks_of, cost)
        if len(points) > 1:
            plot = draw_points(f"trade-{index}", points, x=unit, y="Δm")
            best = listed([point.name for point in front(points)])
            words = "; ".join(f"{p.name}: {p.x:.4g} {unit}, {p.y:+.1f} %" for p in points)
            panels.append(Panel(name, None, plot, f"{name}. {words}. On the front: {best}."))
    title = "Quality against cost"
    if not panels:
        text = "It needs a mean over the tasks, and the cost, of one member at least."
        return Chart("trade", title, missing=text)
    caption = (
        "Upper left is better: Δm, the mean change over the tasks, for fewer parameters or less "
        "time. Nothing is better in both than what is on the dotted front."
    )
    caption += " Lines: 95 % intervals." if found.changes else ""
    legend = {SINGLE: ALONE, **{found.labels[each]: look for each, look in looks_of.items()}}
    return Chart("trade", title, caption, panels, [_table(found)], marks=legend)


def _points(
    found: Comparison, looks_of: Mapping[str, Look], cost: Callable[[MemberResult], float]
) -> list[Point]:
    base = cost(found.baseline)
    points = [Point(SINGLE, base, 0.0, ALONE)] if base > 0 else []
    for member in found.members:
        change = found.change(member.name)
        quality = mean(member.delta_m) if change is None else change.mean
        low, high = (math.nan, math.nan) if change is None else (change.low, change.high)
        if cost(member) > 0 and math.isfinite(quality):
            look = looks_of[member.name]
            points.append(Point(found.labels[member.name], cost(member), quality, look, low, high))
    return points


def _table(found: Comparison) -> Table:
    rows = [[SINGLE, "0", f"{found.baseline.parameters:,}", _time(found.baseline)]]
    for member in found.members:
        change = found.change(member.name)
        gain = per_cent(mean(member.delta_m)) if change is None else span(change)
        rows.append([found.labels[member.name], gain, f"{member.parameters:,}", _time(member)])
    return Table(["Network", "Δm", "Parameters", "Training"], rows, "Quality against cost")


def _time(member: MemberResult) -> str:
    seconds = mean(member.seconds)
    return duration(seconds) if seconds > 0 else "–"
