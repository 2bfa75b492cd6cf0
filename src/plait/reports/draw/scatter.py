"""Points with intervals, and the front of those that nothing beats; knows not what they show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from markupsafe import Markup

from plait.reports.draw.style import GREY, Look, blank, embed, plain


@dataclass(frozen=True)
class Point:
    """A point; `low` and `high` are the interval of `y`, NaN for none."""

    name: str
    x: float
    y: float
    look: Look
    low: float = math.nan
    high: float = math.nan


def front(points: Sequence[Point]) -> list[Point]:
    """Returns the points than which none is better, from left to right: smaller x and larger y.

    A point that another equals in one and beats in the other is not among them; of equal ones all
    are.
    """
    kept = [
        point
        for point in points
        if not any(
            other.x <= point.x and other.y >= point.y and (other.x, other.y) != (point.x, point.y)
            for other in points
        )
    ]
    return sorted(kept, key=lambda point: point.x)


def draw_points(ident: str, points: Sequence[Point], *, x: str, y: str) -> Markup:
    """Draws points, each by its look, and the front as stairs.

    Args:
        ident: the chart's name in the page.
        points: with finite coordinates.
        x: title of the horizontal axis, of which less is better.
        y: title of the vertical axis, of which more is better.
    """
    figure = blank([_front(front(points)), *(_mark(point) for point in points)])
    most = max((point.x for point in points), default=1.0)
    figure.update_xaxes(title={"text": x, "standoff": 6}, range=[0, 1.1 * most], nticks=5)
    figure.update_yaxes(title={"text": y, "standoff": 4}, ticksuffix=" %", zeroline=True)
    figure.update_yaxes(zerolinecolor=GREY)
    figure.update_layout(showlegend=False, hovermode="closest")
    return embed(figure, ident, height=300)


def _front(points: Sequence[Point]) -> go.Scatter:
    return go.Scatter(
        x=[float(f"{point.x:.5g}") for point in points],
        y=[float(f"{point.y:.5g}") for point in points],
        mode="lines",
        line={"shape": "hv", "color": GREY, "width": 1.5, "dash": "dot"},
        hoverinfo="skip",
    )


def _mark(point: Point) -> go.Scatter:
    known = math.isfinite(point.low) and math.isfinite(point.high)
    text = f"{plain(point.name, 60)}<br>%{{x:.4g}}, %{{y:+.1f}} %<extra></extra>"
    return go.Scatter(
        x=[float(f"{point.x:.5g}")],
        y=[float(f"{point.y:.5g}")],
        mode="markers",
        marker={"size": 11, "color": point.look.colour, "symbol": point.look.symbol},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [point.high - point.y if known else 0],
            "arrayminus": [point.y - point.low if known else 0],
            "color": point.look.colour,
            "thickness": 1,
            "width": 4,
        },
        opacity=0.9,
        hovertemplate=text,
    )
