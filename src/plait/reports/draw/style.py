"""The look of all plotly charts."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
from markupsafe import Markup

# Okabe and Ito's colours, which colour-blind readers can tell apart, without the black and the
# yellow that vanish on a dark or a white page. More tasks than colours differ by their dashes.
_PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_DASHES = ("solid", "dashdot", "dot")
GREY = "#808080"
_GRID = "rgba(128, 128, 128, 0.22)"


@dataclass(frozen=True)
class Look:
    """The colour and dash of a task, the same on the whole page."""

    colour: str
    dash: str = "solid"

    @property
    def strokes(self) -> str:
        """`stroke-dasharray` of the dash in SVG, in pixels."""
        return {"solid": "none", "dashdot": "7 3 2 3", "dot": "2 3", "dash": "7 5"}[self.dash]

    @property
    def symbol(self) -> str:
        """Plotly's symbol of a point with this look."""
        return {"solid": "circle", "dashdot": "diamond", "dot": "square", "dash": "x"}[self.dash]


@dataclass(frozen=True)
class Panel:
    """One plotly chart.

    Attributes:
        name: its title, as plain text.
        look: how the task that it shows is drawn; None for a chart of several tasks.
        plot: the chart as HTML.
        summary: what it shows, in words.
        wide: whether it needs the whole width of the page.
        rows: how many panels that stand over each other are as high as it.
    """

    name: str
    look: Look | None
    plot: Markup
    summary: str
    wide: bool = False
    rows: int = 1


def looks(tasks: Iterable[str], *, dashed: bool = False) -> dict[str, Look]:
    """Returns a look for each task, or with `dashed` for each of a few lines over each other."""
    size = len(_PALETTE)
    return {
        task: Look(_PALETTE[i % size], _DASHES[(i // size + dashed * i) % len(_DASHES)])
        for i, task in enumerate(tasks)
    }


def plain(text: str, most: int = 24) -> str:
    """Returns text cut to `most` characters and escaped: plotly reads some tags as markup."""
    return html.escape(text if len(text) <= most else f"{text[: most - 1]}…", quote=False)


def blank(data: Any) -> Any:
    """Returns an empty figure without plotly's theme, which each chart would repeat."""
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


def embed(figure: Any, ident: str, height: int = 240) -> Markup:
    """Returns a place for a figure, and the figure as JSON, from which the page draws it."""
    figure.update_layout(height=height)
    data = figure.to_json().replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")
    place = f'<div class="plotly-graph-div" id="{ident}" style="height: {height}px"></div>'
    return Markup(f'{place}<script type="application/json">{data}</script>')
