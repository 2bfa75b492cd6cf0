"""The front has what nothing beats; a point has its look and its interval."""

import random

from plait.reports.draw.scatter import Point, draw_points, front
from plait.reports.draw.style import GREY, Look
from tests.reports.figure import figure


def point(x: float, y: float, name: str = "p") -> Point:
    return Point(name, x, y, Look(GREY))


def test_the_front_is_that_of_the_slow_definition() -> None:
    draw = random.Random(0)
    for _ in range(50):
        points = [point(draw.randrange(6), draw.randrange(6), str(i)) for i in range(9)]
        kept = {each.name for each in front(points)}
        for each in points:
            beaten = [
                other
                for other in points
                if other.x <= each.x
                and other.y >= each.y
                and (other.x < each.x or other.y > each.y)
            ]
            assert (each.name in kept) == (not beaten)
        xs = [each.x for each in front(points)]
        assert xs == sorted(xs)


def test_a_point_has_its_interval_and_its_name() -> None:
    known = Point("<b>", 2.0, 5.0, Look("#123456", "dot"), low=3.0, high=9.0)
    plot = figure(draw_points("s", [known, point(3.0, 6.0)], x="size", y="gain"))
    stairs, first, second = plot["data"]
    assert (stairs["x"], stairs["line"]["shape"]) == ([2.0, 3.0], "hv")
    assert first["error_y"]["array"] == [4.0]
    assert first["error_y"]["arrayminus"] == [2.0]
    assert first["marker"]["symbol"] == "square"
    assert first["hovertemplate"].startswith("&lt;b&gt;")
    assert second["error_y"]["array"] == [0]
    assert plot["layout"]["xaxis"]["range"][0] == 0


def test_nothing_is_drawn_of_nothing() -> None:
    assert front([]) == []
    (stairs,) = figure(draw_points("s", [], x="x", y="y"))["data"]
    assert not stairs["x"]
