"""Curves and bars as plotly charts; nothing here knows what they show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from markupsafe import Markup

from plait.reports.draw.style import GREY, Look, blank, embed, plain
from plait.reports.read.series import Series
from plait.reports.words.text import per_cent_over
from plait.runs.comparison import mean

_MOST_DECADES = 6  # on a logarithmic axis; what is smaller than a millionth leaves it


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
        name=plain(name, 50),
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
    shares: bool = False,
    cosines: bool = False,
) -> Markup:
    """Draws curves.

    Args:
        ident: the chart's name in the page.
        traces: what `line` returned.
        x: title of the horizontal axis.
        log: whether the vertical axis is logarithmic.
        legend: whether the curves' names are shown.
        flat: dotted horizontal lines, each with a text.
        shares: whether the values are parts of one whole.
        cosines: whether the values are in [-1, 1]; the axis then has all of it.
    """
    figure = blank(traces)
    figure.update_layout(showlegend=legend, hovermode="x unified" if legend else "closest")
    places = [place for trace in traces for place in trace.x]
    short = max(places) - min(places) <= 10
    figure.update_xaxes(title={"text": x, "standoff": 6}, dtick=1 if short else None)
    if log:
        figure.update_yaxes(type="log", **_decades([y for trace in traces for y in trace.y]))
    if shares:
        figure.update_yaxes(range=[-0.02, 1.02], tickformat=".0%")
    elif not log:
        figure.update_yaxes(range=_around([y for trace in traces for y in trace.y], flat))
    if cosines:
        figure.update_yaxes(range=[-1.05, 1.05], dtick=0.5)
    for value, text in flat:
        figure.add_hline(y=value, line={"color": GREY, "dash": "dot", "width": 1.5})
        if text:
            place = {"x": 1, "xref": "paper", "xanchor": "right", "y": value, "yanchor": "top"}
            figure.add_annotation(text=text, font={"size": 11}, showarrow=False, **place)
    named = sum(trace.showlegend for trace in traces) if legend else 0
    return embed(figure, ident, height=240 + 18 * named)


def _around(values: Sequence[float], flat: Sequence[tuple[float, str]]) -> list[float] | None:
    """Returns the ends of an axis for one constant, from zero to twice it; None for any other.

    Left to itself, plotly would draw 0.003 on an axis from -1 to 1, where it looks like 0.
    """
    (low, *more) = sorted({*values, *(value for value, _ in flat)})
    return None if more or low == 0 else sorted((0.0, 2 * low))


def _decades(values: Sequence[float]) -> dict[str, Any]:
    """Returns ticks at powers of ten, and a lower end where a few values are as good as zero.

    Less than two powers of ten may hold none: the ticks are then at twice and five times them as
    well, or at the ends where these are closer to each other.
    """
    high, low = math.log10(max(values)), math.log10(min(values))
    if high - low < 2:
        powers = [10.0**power for power in range(math.floor(low), math.ceil(high) + 1)]
        steps = [factor * power for power in powers for factor in (1, 2, 5)]
        ticks = [step for step in steps if min(values) <= step <= max(values)]
        if len(ticks) < 2:
            ticks = [min(values), max(values)]
        return {"tickvals": ticks, "ticktext": [f"{tick:.3g}" for tick in ticks]}
    if high - low <= _MOST_DECADES:
        return {"dtick": 1}
    return {"dtick": 1, "range": [high - _MOST_DECADES, high + 0.3]}


def draw_bars(
    ident: str,
    names: Sequence[str],
    values: Sequence[Sequence[float]],
    colours: Sequence[str],
    ends: tuple[float, float] | None = None,
) -> Markup:
    """Draws changes in per cent as horizontal bars from a zero line.

    One value stands beside its bar. Of several seeds, each is a circle, and the mean stands below
    the bar's name, where no circle can cover it.

    Args:
        ident: the chart's name in the page.
        names: of the bars, from top to bottom.
        values: for each bar one value, or one of each seed; the bar is their mean.
        colours: of each.
        ends: the lowest and the highest value that there is room for; by default, as much room on
            both sides as the longest bar needs.
    """
    seeds = max(map(len, values), default=1)
    finite = [value for each in values for value in each if math.isfinite(value)]
    own = max(map(abs, finite), default=0.0)
    low, high = ends or (-own, own)
    figure = blank([_bars(values, colours, written=seeds == 1)])
    labels = [plain(name, 40) for name in names]
    if seeds > 1:
        figure.add_trace(_circles(values))
        labels = [f"{a}<br>{per_cent_over(b)}" for a, b in zip(labels, values, strict=True)]
    room = (0.6 if seeds == 1 else 0.1) * (high - low) or 1.0  # for the numbers beside the bars
    span = [low - (room if low < 0 else 0.0), high + (room if high > 0 else 0.0)]
    figure.update_layout(showlegend=False)
    figure.update_xaxes(range=span, ticksuffix=" %", zeroline=True, zerolinecolor=GREY)
    ticks = {"tickvals": list(range(len(names))), "ticktext": labels}
    figure.update_yaxes(**ticks, showgrid=False, autorange="reversed", ticklabelstandoff=6)
    return embed(figure, ident, height=70 + 38 * len(names))


def _bars(values: Sequence[Sequence[float]], colours: Sequence[str], *, written: bool) -> Any:
    return go.Bar(
        x=[mean(each) for each in values],
        y=list(range(len(values))),
        orientation="h",
        marker={"color": list(colours)},
        text=[per_cent_over(each) for each in values] if written else None,
        textposition="outside" if written else "none",
        cliponaxis=False,
        hoverinfo="skip",
    )


def _circles(values: Sequence[Sequence[float]]) -> Any:
    points = [(value, place) for place, each in enumerate(values) for value in each]
    return go.Scatter(
        x=[value for value, _ in points],
        y=[place for _, place in points],
        mode="markers",
        marker={"symbol": "circle-open", "size": 7, "color": GREY, "line": {"width": 1.5}},
        hoverinfo="skip",
    )
