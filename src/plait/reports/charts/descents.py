"""Descents of two losses in the plane of their parameters, a panel for each method."""

from __future__ import annotations

import plotly.graph_objects as go

from plait.reports.draw.curves import Chart
from plait.reports.draw.style import GREY, Look, Panel, blank, embed, looks
from plait.reports.draw.tables import Table
from plait.reports.words.text import number
from plait.runs.descents import Descents, MethodDescents

FRONT = "Pareto front"
_REACH = [-11.0, 11.0]


def descent_chart(found: Descents) -> Chart:
    """Draws each method that has descended: a line from each start, and the front."""
    tried = [method for method in found.methods if method.descents]
    starts = max((len(method.descents) for method in tried), default=0)
    colours = looks([f"Start {place}" for place in range(1, starts + 1)])
    return Chart(
        ident="descents",
        title="The way of each descent",
        caption=(
            "Across: the first parameter; up: the second. A circle is a start, a square an end, "
            "and the broad grey line the Pareto front."
        ),
        panels=[_panel(found, method, list(colours.values())) for method in tried],
        legend=colours,
        missing="" if tried else "No method has descended.",
    )


def descent_table(found: Descents) -> Table:
    """Returns a row for each method: from how many starts it reaches the front, and how."""
    head = ["Method", "On the front", "Farthest end", "Steps to the front", "Note"]
    order = sorted(found.methods, key=lambda method: -_ended(found, method))
    return Table(head, [_row(found, method) for method in order], "Methods and where they end")


def _ended(found: Descents, method: MethodDescents) -> int:
    return -1 if method.refused else method.reaching(found.tolerance)


def _row(found: Descents, method: MethodDescents) -> list[str]:
    if method.refused:
        return [method.name, "–", "–", "–", method.refused]
    starts = len(method.descents)
    reaching = method.reaching(found.tolerance)
    reached = [each.reached for each in method.descents]
    slowest = f"{max(reached):,}" if min(reached) >= 0 else "–"
    farthest = number(max(each.distance for each in method.descents))
    note = "both losses raised above zero" if method.raised else ""
    return [method.name, f"{reaching} of {starts}", farthest, slowest, note]


def _panel(found: Descents, method: MethodDescents, colours: list[Look]) -> Panel:
    front = go.Scatter(
        x=[point[0] for point in found.front],
        y=[point[1] for point in found.front],
        mode="lines",
        line={"color": GREY, "width": 8},
        opacity=0.5,
        name=FRONT,
        hoverinfo="skip",
    )
    figure = blank(
        [
            front,
            *(
                go.Scatter(
                    x=[point[0] for point in each.points],
                    y=[point[1] for point in each.points],
                    mode="lines+markers",
                    line={"color": look.colour, "dash": look.dash, "width": 2},
                    marker={
                        "symbol": [*["circle"] * (len(each.points) - 1), "square"],
                        "size": [8, *[0] * (len(each.points) - 2), 8],
                        "color": look.colour,
                    },
                    hoverinfo="skip",
                )
                for each, look in zip(method.descents, colours, strict=False)
            ),
        ]
    )
    figure.update_layout(showlegend=False)
    figure.update_xaxes(range=_REACH, dtick=5)
    figure.update_yaxes(range=_REACH, dtick=5)
    reaching = method.reaching(found.tolerance)
    words = f"{method.name}: {reaching} of {len(method.descents)} descents end on the Pareto front."
    name = f"{method.name}: {reaching} of {len(method.descents)}"
    return Panel(name, None, embed(figure, f"descents-{method.name}", height=280), words)
