"""Curves, heat maps and bars as plotly charts; nothing here knows what they show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from markupsafe import Markup

from plait.reports.series import Series
from plait.reports.style import GREY, Look, blank, embed, plain
from plait.reports.text import per_cent

_ORANGE, _WHITE, _BLUE = "#D55E00", "#F4F4F4", "#0072B2"


def line(
    curve: Series,
    look: Look,
    *,
    name: str = "",
    width: float = 2,
    faint: bool = False,
    marks: str = "",
) -> Any:
    """Returns a curve as a plotly trace.

    Args:
        curve: the points.
        look: its colour and dash.
        name: what it is called when the pointer is on it.
        width: of the line, in pixels; 0 shows the marks alone.
        faint: draw it in the background, without an answer to the pointer.
        marks: plotly's symbol for each point; none by default.
    """
    drawn = [part for part, wanted in (("lines", width > 0), ("markers", bool(marks))) if wanted]
    return go.Scatter(
        x=curve.x,
        y=[float(f"{value:.5g}") for value in curve.y],  # finer than a pixel, and a smaller page
        name=plain(name),
        mode="+".join(drawn),
        line={"color": look.colour, "dash": look.dash, "width": width},
        marker={
            "symbol": marks or "circle",
            "size": 7,
            "line": {"width": 1.5, "color": look.colour},
        },
        opacity=0.35 if faint else 1,
        hoverinfo="skip" if faint else "all",
        showlegend=not faint,
    )


def draw_lines(
    ident: str,
    traces: Sequence[Any],
    *,
    x: str,
    log: bool = False,
    legend: bool = False,
    flat: Sequence[tuple[float, str]] = (),
) -> Markup:
    """Draws curves.

    Args:
        ident: the chart's name in the page.
        traces: what `line` returned.
        x: title of the horizontal axis.
        log: whether the vertical axis is logarithmic.
        legend: whether the curves' names are shown.
        flat: dotted horizontal lines, each with a text.
    """
    figure = blank(traces)
    figure.update_layout(showlegend=legend, hovermode="x unified" if legend else "closest")
    places = [place for trace in traces for place in trace.x]
    short = max(places) - min(places) <= 10
    figure.update_xaxes(title={"text": x, "standoff": 6}, dtick=1 if short else None)
    if log:
        figure.update_yaxes(type="log", dtick=1)
    for value, text in flat:
        figure.add_hline(y=value, line={"color": GREY, "dash": "dot", "width": 1.5})
        if text:
            place = {"x": 1, "xref": "paper", "xanchor": "right", "y": value, "yanchor": "top"}
            figure.add_annotation(text=text, font={"size": 11}, showarrow=False, **place)
    return embed(figure, ident, height=260 + 10 * len(traces) if legend else 240)


def draw_pairs(
    ident: str, names: Sequence[str], values: Sequence[Sequence[float | None]], *, share: bool
) -> Markup:
    """Draws a value for each pair of names as a heat map: shares 0..1, or cosines -1..1."""
    style = ".0%" if share else "+.2f"
    scale = [_WHITE, _ORANGE] if share else [_ORANGE, _WHITE, _BLUE]
    cells = go.Heatmap(
        z=values,
        text=[["" if v is None else format(v, style) for v in row] for row in values],
        texttemplate="%{text}",
        hoverinfo="skip",
        zmin=0 if share else -1,
        zmax=1,
        colorscale=[[i / (len(scale) - 1), colour] for i, colour in enumerate(scale)],
        colorbar={"thickness": 10, "outlinewidth": 0, "tickformat": ".0%" if share else ""},
        xgap=2,
        ygap=2,
    )
    # By position: two names may be the same once they are shortened.
    labels = {"tickvals": list(range(len(names))), "ticktext": [plain(name) for name in names]}
    figure = blank(cells)
    figure.update_xaxes(**labels, showgrid=False, ticks="")
    figure.update_yaxes(
        **labels, showgrid=False, ticks="", autorange="reversed", ticklabelstandoff=6
    )
    return embed(figure, ident, height=max(280, 120 + 32 * len(names)))


def draw_bars(
    ident: str, names: Sequence[str], values: Sequence[float], colours: list[str]
) -> Markup:
    """Draws changes in per cent as horizontal bars from a zero line."""
    figure = blank(
        go.Bar(
            x=values,
            y=list(range(len(names))),
            orientation="h",
            marker={"color": colours},
            text=[per_cent(value) for value in values],
            textposition="outside",
            cliponaxis=False,
            hoverinfo="skip",
        )
    )
    reach = 1.6 * max([abs(value) for value in values if math.isfinite(value)], default=0) or 1
    figure.update_xaxes(range=[-reach, reach], ticksuffix=" %", zeroline=True, zerolinecolor=GREY)
    labels = {"tickvals": list(range(len(names))), "ticktext": [plain(n, 40) for n in names]}
    figure.update_yaxes(**labels, showgrid=False, autorange="reversed", ticklabelstandoff=6)
    return embed(figure, ident, height=70 + 38 * len(names))
