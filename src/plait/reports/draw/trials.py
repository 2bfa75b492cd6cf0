"""Trials of a search as points: over their number, and of two objectives against each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from markupsafe import Markup

from plait.reports.draw.style import GREY, blank, embed, looks, plain

_COLOUR = looks(["trials"])["trials"].colour


def draw_history(
    ident: str,
    names: Sequence[str],
    places: Sequence[int],
    values: Sequence[float],
    *,
    higher: bool,
) -> Markup:
    """Draws the value of each trial over its number, and the best value so far as stairs.

    Args:
        ident: the chart's name in the page.
        names: of the trials, for the pointer.
        places: their numbers, ascending.
        values: finite.
        higher: whether higher is better.
    """
    best = max if higher else min
    so_far = [best(values[: place + 1]) for place in range(len(values))]
    stairs = go.Scatter(
        x=list(places),
        y=[_short(value) for value in so_far],
        mode="lines",
        line={"shape": "hv", "color": GREY, "width": 1.5, "dash": "dot"},
        hoverinfo="skip",
    )
    figure = blank([stairs, _points(names, list(places), values, filled=True)])
    figure.update_layout(showlegend=False, hovermode="closest")
    whole = max(places) - min(places) <= 10
    figure.update_xaxes(title={"text": "trial", "standoff": 6}, dtick=1 if whole else None)
    return embed(figure, ident)


def draw_front(
    ident: str,
    names: Sequence[str],
    points: Sequence[tuple[float, float]],
    on_front: Sequence[bool],
    *,
    x: str,
    y: str,
) -> Markup:
    """Draws trials by two objectives; those that no other beats in all objectives are filled.

    Args:
        ident: the chart's name in the page.
        names: of the trials, for the pointer.
        points: finite values of both objectives.
        on_front: whether each is one that no other beats.
        x: title of the horizontal axis.
        y: title of the vertical axis.
    """
    traces = []
    for filled in (False, True):
        kept = [place for place, wanted in enumerate(on_front) if wanted is filled]
        traces.append(
            _points(
                [names[place] for place in kept],
                [points[place][0] for place in kept],
                [points[place][1] for place in kept],
                filled=filled,
            )
        )
    figure = blank(traces)
    figure.update_layout(showlegend=False, hovermode="closest")
    figure.update_xaxes(title={"text": plain(x, 40), "standoff": 6}, nticks=6)
    figure.update_yaxes(title={"text": plain(y, 40), "standoff": 4}, nticks=6)
    return embed(figure, ident, height=280)


def draw_shares(ident: str, names: Sequence[str], shares: Sequence[float]) -> Markup:
    """Draws parts of one whole as horizontal bars, the first on top.

    Args:
        ident: the chart's name in the page.
        names: of the parts.
        shares: 0 to 1.
    """
    bars = go.Bar(
        x=[_short(share) for share in shares],
        y=list(range(len(shares))),
        orientation="h",
        marker={"color": _COLOUR},
        text=[f"{100 * share:.0f} %" for share in shares],
        textposition="outside",
        cliponaxis=False,
        hoverinfo="skip",
    )
    figure = blank([bars])
    figure.update_layout(showlegend=False)
    figure.update_xaxes(range=[0, 1.2 * max(shares, default=1.0)], tickformat=".0%", nticks=5)
    ticks = {"tickvals": list(range(len(names))), "ticktext": [plain(name, 40) for name in names]}
    figure.update_yaxes(**ticks, showgrid=False, autorange="reversed", ticklabelstandoff=6)
    return embed(figure, ident, height=60 + 30 * len(names))


def _points(names: Sequence[str], x: Sequence[float], y: Sequence[float], *, filled: bool) -> Any:
    return go.Scatter(
        x=[_short(value) for value in x],
        y=[_short(value) for value in y],
        text=[plain(name, 80) for name in names],
        mode="markers",
        marker={
            "size": 9,
            "color": _COLOUR if filled else GREY,
            "symbol": "circle" if filled else "circle-open",
            "line": {"width": 1.5},
        },
        hovertemplate="%{text}<br>%{x:.4g}, %{y:.4g}<extra></extra>",
    )


def _short(value: float) -> float:
    return float(f"{value:.5g}") if math.isfinite(value) else value
