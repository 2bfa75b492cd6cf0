"""Curves and bars as plotly charts; nothing here knows what they show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
from markupsafe import Markup

from plait.reports.draw.style import GREY, Look, blank, embed, plain
from plait.reports.read.series import Series

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
    figure.update_yaxes(ticklabelstandoff=4)  # the lowest number stays clear of the leftmost one
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


@dataclass(frozen=True)
class Bar:
    """A horizontal bar.

    Attributes:
        name: of the bar.
        value: its length; NaN for none.
        written: the value as text.
        colour: of the bar.
        low: lower end of its interval; NaN for none.
        high: upper end.
    """

    name: str
    value: float
    written: str
    colour: str
    low: float = math.nan
    high: float = math.nan

    @property
    def ends(self) -> list[float]:
        """All numbers of the bar that are finite."""
        return [each for each in (self.value, self.low, self.high) if math.isfinite(each)]


def draw_bars(ident: str, bars: Sequence[Bar], ends: tuple[float, float] | None = None) -> Markup:
    """Draws changes in per cent as horizontal bars from a zero line, with their intervals.

    The number stands below the bar's name, where no interval can cover it.

    Args:
        ident: the chart's name in the page.
        bars: from top to bottom.
        ends: the lowest and the highest value that there is room for; by default, as much room on
            both sides as the longest bar needs.
    """
    own = max((abs(end) for bar in bars for end in bar.ends), default=0.0)
    low, high = ends or (-own, own)
    places = list(range(len(bars)))
    known = [place for place in places if math.isfinite(bars[place].value)]
    figure = blank(
        go.Bar(
            x=[_five(bars[place].value) for place in known],
            y=known,
            orientation="h",
            marker={"color": [bars[place].colour for place in known]},
            error_x=_errors([bars[place] for place in known]),
            hoverinfo="skip",
        )
    )
    room = 0.08 * (high - low) or 1.0
    span = [low - (room if low < 0 else 0.0), high + (room if high > 0 else 0.0)]
    figure.update_layout(showlegend=False, bargap=0.45)
    figure.update_xaxes(range=span, ticksuffix=" %", zeroline=True, zerolinecolor=GREY, nticks=6)
    labels = [f"{plain(bar.name, 34)}<br>{bar.written}" for bar in bars]
    ticks = {"tickvals": places, "ticktext": labels, "range": [len(bars) - 0.4, -0.6]}
    figure.update_yaxes(**ticks, showgrid=False, ticklabelstandoff=6)
    return embed(figure, ident, height=60 + 40 * len(bars))


def _errors(bars: Sequence[Bar]) -> dict[str, Any] | None:
    """Returns the intervals as plotly has them, by their distances from the bars' ends."""
    if not any(math.isfinite(bar.low) for bar in bars):
        return None
    return {
        "type": "data",
        "symmetric": False,
        "array": [_five(bar.high - bar.value) for bar in bars],
        "arrayminus": [_five(bar.value - bar.low) for bar in bars],
        "color": GREY,
        "thickness": 1.5,
        "width": 5,
    }


def _five(value: float) -> float | None:
    return float(f"{value:.5g}") if math.isfinite(value) else None


def band(x: Sequence[int], low: Sequence[float], high: Sequence[float], look: Look) -> Any:
    """Returns the area between two curves as a plotly trace, in the background."""
    return go.Scatter(
        x=[*x, *reversed(x)],
        y=[_five(value) for value in [*high, *reversed(low)]],
        fill="toself",
        fillcolor=look.colour,
        line={"width": 0},
        opacity=0.16,
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
    )
