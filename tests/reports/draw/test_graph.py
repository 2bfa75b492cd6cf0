"""Nodes stand on a circle with room for their names; edges show sign and size."""

import math
from itertools import pairwise

import pytest

from plait.reports.draw.graph import ABOVE, BELOW, circle, draw_graph
from tests.reports.figure import figure


@pytest.mark.parametrize("count", [1, 2, 3, 7, 24])
def test_names_are_on_the_circle_and_evenly_spaced_on_each_side(count: int) -> None:
    places = circle([str(i) for i in range(count)])
    assert list(places) == [str(i) for i in range(count)]
    assert all(math.isclose(math.hypot(x, y), 1.0) for x, y in places.values())
    for sign in (1, -1):
        heights = sorted(y for x, y in places.values() if x * sign > 0)
        gaps = [b - a for a, b in pairwise(heights)]
        assert all(gap == pytest.approx(2 / len(heights)) for gap in gaps)


def test_an_edge_is_wider_the_larger_it_is_and_coloured_by_its_sign() -> None:
    nodes = {"a": "#111111", "b": "#222222", "<c>": "#333333"}
    edges = [("a", "b", 0.4), ("a", "<c>", -0.2)]
    first, second, points = figure(draw_graph("g", nodes, edges, ["+40%", "-20%"]))["data"]
    assert (first["line"]["color"], second["line"]["color"]) == (ABOVE, BELOW)
    assert first["line"]["width"] > second["line"]["width"]
    assert first["hovertemplate"] == "a, b: +40%<extra></extra>"
    assert points["text"] == ["a", "b", "&lt;c&gt;"]
    assert points["marker"]["color"] == list(nodes.values())


def test_a_graph_without_edges_has_its_nodes() -> None:
    (points,) = figure(draw_graph("g", {"a": "#111111"}, [], []))["data"]
    assert points["text"] == ["a"]
