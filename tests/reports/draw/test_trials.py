"""Points of trials lie where their numbers are."""

from typing import Any

from plait.reports.draw.trials import draw_front, draw_history, draw_shares
from tests.reports.figure import figure


def traces(markup: str) -> list[dict[str, Any]]:
    return list(figure(markup)["data"])


def test_the_best_so_far_never_gets_worse() -> None:
    values = [0.3, 0.1, 0.5, 0.2]
    names = ["a", "b", "c", "d"]
    best, points = traces(draw_history("h", names, [0, 1, 3, 4], values, higher=True))
    assert best["y"] == [0.3, 0.3, 0.5, 0.5]
    assert (points["x"], points["y"], points["text"]) == ([0, 1, 3, 4], values, names)
    best, _ = traces(draw_history("h", names, [0, 1, 3, 4], values, higher=False))
    assert best["y"] == [0.3, 0.1, 0.1, 0.1]


def test_those_on_the_front_are_filled() -> None:
    points = [(1.0, 2.0), (2.0, 1.0), (0.5, 0.5)]
    markup = draw_front("f", ["a", "b", "<c>"], points, [True, True, False], x="x ↑", y="y ↑")
    others, front = traces(markup)
    assert (others["x"], others["y"], others["text"]) == ([0.5], [0.5], ["&lt;c&gt;"])
    assert (front["x"], front["y"]) == ([1.0, 2.0], [2.0, 1.0])
    assert others["marker"]["symbol"] == "circle-open"
    assert front["marker"]["symbol"] == "circle"


def test_shares_are_written_beside_their_bars() -> None:
    (bars,) = traces(draw_shares("s", ["one", "two"], [0.75, 0.25]))
    assert (bars["x"], bars["text"]) == ([0.75, 0.25], ["75 %", "25 %"])
