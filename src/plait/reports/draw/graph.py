"""Nodes on a circle with edges between them; nothing here knows what they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from markupsafe import Markup

from plait.reports.draw.style import blank, embed, plain

ABOVE, BELOW = "#0072B2", "#D55E00"  # of edges over and under zero, as in the heat maps
MOST_NODES = 24  # more names have no room around the circle
_WIDTHS = (0.75, 6.0)
_NAME = 14  # characters of a name beside its node
_ROW = 28  # pixels from one name to the next


def draw_graph(
    ident: str,
    nodes: Mapping[str, str],
    edges: Sequence[tuple[str, str, float]],
    written: Sequence[str],
) -> Markup:
    """Draws nodes on a circle, and each edge as a line that is the wider the larger its value.

    Args:
        ident: the chart's name in the page.
        nodes: `{name: colour}`, clockwise from the top, at most `MOST_NODES`.
        edges: `(node, node, value)`; blue above zero, orange below.
        written: of each edge its value, which the pointer reads.
    """
    places = circle(list(nodes))
    most = max((abs(value) for *_, value in edges), default=0.0) or 1.0
    lines = [
        _edge(places[a], places[b], value / most, f"{plain(a, 50)}, {plain(b, 50)}: {text}")
        for (a, b, value), text in zip(edges, written, strict=True)
    ]
    figure = blank([*lines, _nodes(places, nodes)])
    hidden = {"visible": False, "fixedrange": True}
    figure.update_xaxes(range=[-2.3, 2.3], **hidden)  # beside the circle is room for the names
    figure.update_yaxes(range=[-1.15, 1.15], **hidden)
    figure.update_layout(showlegend=False, hovermode="closest")
    return embed(figure, ident, height=max(220, 60 + _ROW * math.ceil(len(nodes) / 2)))


def circle(names: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Returns a place on the unit circle for each name, clockwise from the top.

    On each side the heights are evenly spaced, so that no two names beside the nodes touch.

    Example:
        >>> circle(["a", "b"])
        {'a': (1.0, 0.0), 'b': (-1.0, 0.0)}
    """
    right = math.ceil(len(names) / 2)
    sides = [(names[:right], 1.0), (list(reversed(names[right:])), -1.0)]
    places = {}
    for side, sign in sides:
        for index, name in enumerate(side):
            height = 1 - (2 * index + 1) / len(side)
            places[name] = (sign * math.sqrt(1 - height**2), height)
    return {name: places[name] for name in names}


def _edge(a: tuple[float, float], b: tuple[float, float], share: float, text: str) -> go.Scatter:
    """Draws an edge; a third point in its middle answers the pointer."""
    thin, wide = _WIDTHS
    middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
    points = [a, middle, b]
    return go.Scatter(
        x=[round(x, 4) for x, _ in points],
        y=[round(y, 4) for _, y in points],
        mode="lines",
        line={
            "color": ABOVE if share > 0 else BELOW,
            "width": round(thin + (wide - thin) * abs(share), 2),
        },
        opacity=0.6,
        hovertemplate=f"{text}<extra></extra>",
    )


def _nodes(places: Mapping[str, tuple[float, float]], nodes: Mapping[str, str]) -> go.Scatter:
    return go.Scatter(
        x=[round(x, 4) for x, _ in places.values()],
        y=[round(y, 4) for _, y in places.values()],
        mode="markers+text",
        marker={"size": 14, "color": list(nodes.values()), "line": {"width": 0}},
        text=[plain(name, _NAME) for name in places],
        textposition=["middle right" if x > 0 else "middle left" for x, _ in places.values()],
        customdata=[plain(name, 200) for name in places],
        hovertemplate="%{customdata}<extra></extra>",
        cliponaxis=False,
    )
