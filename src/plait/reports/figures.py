"""How a plotly figure of the page looks; nothing here knows what is shown."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
from markupsafe import Markup

from plait.reports.series import Series

# Okabe and Ito's colours, which colour-blind readers can tell apart, without the black and the yellow
# that vanish on a dark or a white page. More tasks than colours differ by the dash of their lines.
_PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_DASHES = ("solid", "dashdot", "dot")
_ORANGE, _WHITE, _BLUE = "#D55E00", "#F4F4F4", "#0072B2"
GREY = "#808080"
_GRID = "rgba(128, 128, 128, 0.22)"


@dataclass(frozen=True)
class Look:
    """The colour and dash of a task, the same on the whole page."""

    colour: str
    dash: str = "solid"


@dataclass(frozen=True)
class Panel:
    """One plotly chart.

    Attributes:
        name: its title, as plain text.
        look: how the task that it shows is drawn; None for a chart of several tasks.
        plot: the chart as HTML.
        summary: what it shows, in words.
    """

    name: str
    look: Look | None
    plot: Markup
    summary: str


def looks(tasks: Iterable[str]) -> dict[str, Look]:
    """Returns a look for each task."""
    size = len(_PALETTE)
    return {
        task: Look(_PALETTE[i % size], _DASHES[i // size % len(_DASHES)])
        for i, task in enumerate(tasks)
    }


def line(
    curve: Series, look: Look, *, name: str = "", width: float = 2, faint: bool = False, marks: str = ""
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
        marker={"symbol": marks or "circle", "size": 7, "line": {"width": 1.5, "color": look.colour}},
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
    figure = _figure(traces)
    figure.update_layout(showlegend=legend, hovermode="x unified" if legend else "closest")
    figure.update_xaxes(title={"text": x, "standoff": 6})
    if log:
        figure.update_yaxes(type="log", dtick=1)
    for value, text in flat:
        figure.add_hline(y=value, line={"color": GREY, "dash": "dot", "width": 1.5})
        if text:
            figure.add_annotation(
                text=plain(text), font={"size": 11}, showarrow=False, x=1, xref="paper", y=value,
                xanchor="right", yanchor="top",
            )
    return _html(figure, ident)


def draw_pairs(
    ident: str, names: Sequence[str], values: Sequence[Sequence[float | None]], *, share: bool
) -> Markup:
    """Draws a value for each pair of names as a heat map: shares 0..1, or cosines -1..1."""
    style = ".0%" if share else "+.2f"
    text = [["" if v is None else format(v, style) for v in row] for row in values]
    labels = [plain(name) for name in names]
    scale = [_WHITE, _ORANGE] if share else [_ORANGE, _WHITE, _BLUE]
    figure = _figure(
        go.Heatmap(
            x=labels,
            y=labels,
            z=values,
            text=text,
            texttemplate="%{text}",
            hovertemplate="%{y}, %{x}: %{text}<extra></extra>",
            zmin=0 if share else -1,
            zmax=1,
            colorscale=[[i / (len(scale) - 1), colour] for i, colour in enumerate(scale)],
            colorbar={"thickness": 10, "outlinewidth": 0, "tickformat": ".0%" if share else ""},
            xgap=2,
            ygap=2,
        )
    )
    figure.update_xaxes(type="category", showgrid=False, ticks="")
    figure.update_yaxes(type="category", showgrid=False, ticks="", autorange="reversed")
    return _html(figure, ident, height=max(260, 90 + 34 * len(names)))


def draw_bars(ident: str, names: Sequence[str], values: Sequence[float], colours: list[str]) -> Markup:
    """Draws changes in per cent as horizontal bars from a zero line."""
    figure = _figure(
        go.Bar(
            x=values,
            y=[plain(name) for name in names],
            orientation="h",
            marker={"color": colours},
            text=[f"{value:+.1f} %" for value in values],
            textposition="outside",
            cliponaxis=False,
            hoverinfo="skip",
        )
    )
    reach = 1.35 * max([abs(value) for value in values], default=1.0) or 1.0
    figure.update_xaxes(range=[-reach, reach], ticksuffix=" %", zeroline=True, zerolinecolor=GREY)
    figure.update_yaxes(type="category", showgrid=False, autorange="reversed", ticksuffix="  ")
    return _html(figure, ident, height=70 + 38 * len(names))


def plain(text: str) -> str:
    """Returns text that plotly shows as it is, for it reads some tags as markup."""
    return html.escape(text, quote=False)


def _figure(data: Any) -> Any:
    """Returns a figure without plotly's own theme, which would be repeated in each chart."""
    figure = go.Figure(data, layout={"template": "none"})
    figure.update_layout(
        margin={"l": 8, "r": 12, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 12, "color": GREY},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
    )
    figure.update_xaxes(automargin=True, gridcolor=_GRID, zeroline=False)
    figure.update_yaxes(automargin=True, gridcolor=_GRID, zeroline=False, exponentformat="power")
    return figure


def _html(figure: Any, ident: str, height: int = 240) -> Markup:
    """Returns the chart without plotly.js; plotly writes `<` in its data as an escape sequence."""
    figure.update_layout(height=height)
    text = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        div_id=ident,
        config={"displayModeBar": False, "responsive": True},
    )
    return Markup(text)
