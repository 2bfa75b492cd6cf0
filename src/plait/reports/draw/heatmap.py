"""Tables of numbers as heat maps; nothing here knows what they show."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from markupsafe import Markup

from plait.reports.draw.style import blank, embed, plain

_MOST_WRITTEN = (30, 12)  # rows and columns up to which each cell has room for its number
_ORANGE, _WHITE, _BLUE = "#D55E00", "#F4F4F4", "#0072B2"
_LABEL = 14  # pixels that the name of a row needs
PANEL = 280  # pixels of height of an ordinary chart with its title
_FRAME = 120  # pixels over and under the cells

Cells = Sequence[Sequence[float | None]]


@dataclass(frozen=True)
class Scale:
    """Maps numbers to colours.

    Attributes:
        low: the number with the first colour.
        high: the number with the last one.
        colours: evenly spaced between them.
        style: how a number is written.
    """

    low: float
    high: float
    colours: tuple[str, ...]
    style: str

    def written(self, value: float | None) -> str:
        """Returns a number as the cells have it; nothing for None, and no minus before zero."""
        if value is None:
            return ""
        text = format(value, self.style)
        return text.replace("-", "") if set(text) <= set("-0.%") else text


SHARES = Scale(0, 1, (_WHITE, _ORANGE), ".0%")
COSINES = Scale(-1, 1, (_ORANGE, _WHITE, _BLUE), "+.2f")


def scale_of(values: Iterable[float | None], *, shares: bool) -> Scale:
    """Returns a scale: 0..1 for shares, symmetric if a number is negative, else their range.

    Example:
        >>> scale_of([-0.25, 0.5], shares=False).low
        -0.5
    """
    numbers = [value for value in values if value is not None]
    if shares:
        return SHARES
    low, high = min(numbers, default=0.0), max(numbers, default=1.0)
    if low < 0:
        reach = max(-low, high)
        return Scale(-reach, reach, COSINES.colours, "+.3g")
    return Scale(low if low < high else 0.0, high or 1.0, SHARES.colours, ".3g")


def draw_cells(
    ident: str, rows: Sequence[str], columns: Sequence[str], values: Cells, scale: Scale
) -> Markup:
    """Draws a number for each row and column; None leaves the cell empty.

    Where the cells have no room for their numbers, the pointer reads them.

    Args:
        ident: the chart's name in the page.
        rows: distinct names from top to bottom.
        columns: distinct names from left to right.
        values: row by row.
        scale: what the colours say.
    """
    written = has_room(len(rows), len(columns))
    whole = [plain(name, 200) for name in rows], [plain(name, 200) for name in columns]
    share = scale.style.endswith("%")
    cells = go.Heatmap(
        x=None if written else whole[1],
        y=None if written else whole[0],
        z=[[None if v is None else float(f"{v:.4g}") for v in row] for row in values],
        text=[[scale.written(v) for v in row] for row in values] if written else None,
        texttemplate="%{text}" if written else None,
        hoverinfo="skip" if written else "all",
        hovertemplate=None if written else f"%{{y}}<br>%{{x}}: %{{z:{scale.style}}}<extra></extra>",
        zmin=scale.low,
        zmax=scale.high,
        colorscale=[[i / (len(scale.colours) - 1), c] for i, c in enumerate(scale.colours)],
        showscale=not written,
        colorbar={
            "thickness": 10,
            "outlinewidth": 0,
            "tickformat": scale.style if share else "",
            "len": 160,
            "lenmode": "pixels",
            "yanchor": "top",
            "y": 1,
        },
        xgap=2 if written else 0,
        ygap=2 if written else 0,
    )
    figure = blank(cells)
    height = height_of(len(rows), len(columns)) - _FRAME
    figure.update_xaxes(**_labels(columns), showgrid=False, ticks="")
    figure.update_yaxes(
        **_labels(rows, math.ceil(_LABEL * len(rows) / height)),
        showgrid=False,
        ticks="",
        autorange="reversed",
        ticklabelstandoff=6,
    )
    if not written:  # plotly names as many columns as there is room for, on a phone a few
        short = {whole: plain(name) for whole, name in zip(whole[1], columns, strict=True)}
        figure.update_xaxes(tickvals=None, ticktext=None, labelalias=short)
        figure.update_layout(xaxis_type="category", yaxis_type="category", font_size=10)
    return embed(figure, ident, height=height + _FRAME)


def height_of(rows: int, columns: int) -> int:
    """Returns the height of a heat map in pixels."""
    cells = 32 * rows if has_room(rows, columns) else min(_LABEL * rows, 1000)
    return max(160, cells) + _FRAME


def rows_of_panels(rows: int, columns: int) -> int:
    """Returns the height of a heat map in panels that stand over each other."""
    return round(height_of(rows, columns) / PANEL) or 1


def has_room(rows: int, columns: int) -> bool:
    """Returns whether each cell has room for its number."""
    return rows <= _MOST_WRITTEN[0] and columns <= _MOST_WRITTEN[1]


def is_wide(columns: int) -> bool:
    """Returns whether a heat map needs the whole width of the page."""
    return columns > _MOST_WRITTEN[1]


def _labels(names: Sequence[str], every: int = 1) -> dict[str, list[object]]:
    """Returns ticks by position, because two names may be the same once they are shortened."""
    places = range(0, len(names), every)
    return {"tickvals": list(places), "ticktext": [plain(names[place]) for place in places]}
