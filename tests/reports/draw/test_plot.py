"""Axes leave room for what they show."""

import math
from typing import Any

import pytest

from plait.reports.draw.plot import Bar, band, draw_bars, draw_lines, line
from plait.reports.draw.style import GREY, Look
from plait.reports.read.series import Series
from tests.reports.figure import figure


def layout(markup: str) -> dict[str, Any]:
    """The layout of a chart as plotly gets it."""
    return dict(figure(markup)["layout"])


def traces(plot: str) -> list[dict[str, Any]]:
    """The traces as plotly has them in the page."""
    return list(figure(plot)["data"])


def logarithmic(*values: float) -> dict[str, Any]:
    curve = Series(list(range(len(values))), list(values))
    return dict(layout(draw_lines("c", [line(curve, Look(GREY))], x="step", log=True))["yaxis"])


def test_a_logarithmic_axis_shows_all_of_a_few_decades() -> None:
    axis = logarithmic(1e-3, 1e2)
    assert axis["type"] == "log"
    assert "range" not in axis


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ((0.12, 0.7), ["0.2", "0.5"]),
        ((0.2, 15.0), ["0.2", "0.5", "1", "2", "5", "10"]),
        ((0.3, 0.3125), ["0.3", "0.312"]),
        ((1e-5, 5e-5), ["1e-05", "2e-05", "5e-05"]),
    ],
)
def test_a_logarithmic_axis_of_less_than_two_decades_says_whole_numbers(
    values: tuple[float, float], ticks: list[str]
) -> None:
    axis = logarithmic(*values)
    assert axis["ticktext"] == ticks
    assert [float(text) for text in ticks] == pytest.approx(axis["tickvals"], rel=2e-3)


def test_a_value_that_is_as_good_as_zero_does_not_squeeze_the_others() -> None:
    """Networks that begin alike are apart by rounding alone: their distance begins at 1e-16."""
    low, high = logarithmic(1e-16, 1e-2, 1e-1)["range"]
    assert (low, high) == (pytest.approx(-7), pytest.approx(-0.7))


@pytest.mark.parametrize(
    ("values", "flat", "span"),
    [
        ([0.003, 0.003], [], [0.0, 0.006]),
        ([-2.0], [], [-4.0, 0.0]),
        ([0.5, 0.5], [(0.5, "trivial")], [0.0, 1.0]),
        ([0.5, 0.5], [(0.2, "trivial")], None),
        ([0.0, 0.0], [], None),
        ([1.0, 2.0], [], None),
    ],
)
def test_a_constant_is_in_the_middle_of_its_axis(
    values: list[float], flat: list[tuple[float, str]], span: list[float] | None
) -> None:
    """Any other curve has the axis that plotly finds."""
    curve = Series(list(range(len(values))), values)
    axis = layout(draw_lines("c", [line(curve, Look(GREY))], x="step", flat=flat))["yaxis"]
    assert axis.get("range") == span


def bar(name: str, value: float, low: float = math.nan, high: float = math.nan) -> Bar:
    return Bar(name, value, f"{value:+.1f} %", GREY, low, high)


@pytest.mark.parametrize(
    ("ends", "span"),
    [(None, [-8.12, 8.12]), ((0.0, 10.0), [0.0, 10.8]), ((-10.0, 10.0), [-11.6, 11.6])],
)
def test_bars_have_room_for_their_intervals(
    ends: tuple[float, float] | None, span: list[float]
) -> None:
    plot = draw_bars("b", [bar("x", 5.0, 3.0, 7.0), bar("y", -1.0)], ends)
    assert layout(plot)["xaxis"]["range"] == pytest.approx(span)


def test_a_bar_has_its_interval_and_its_number_below_its_name() -> None:
    plot = draw_bars("b", [bar("x", 5.0, 3.0, 8.0), bar("y", -1.0)])
    (bars,) = traces(plot)
    assert bars["x"] == [5.0, -1.0]
    assert bars["error_x"]["array"] == [3.0, None]
    assert bars["error_x"]["arrayminus"] == [2.0, None]
    assert layout(plot)["yaxis"]["ticktext"] == ["x<br>+5.0 %", "y<br>-1.0 %"]


def test_what_has_no_value_has_a_name_and_no_bar() -> None:
    plot = draw_bars("b", [bar("x", math.nan), bar("y", 2.0)])
    (bars,) = traces(plot)
    assert (bars["x"], bars["y"]) == ([2.0], [1])
    assert len(layout(plot)["yaxis"]["ticktext"]) == 2


def test_a_name_is_never_markup() -> None:
    labels = layout(draw_bars("b", [bar("<br>", 5.0)]))["yaxis"]["ticktext"]
    assert labels[0].startswith("&lt;br&gt;<br>")


def test_a_band_goes_there_on_top_and_back_below() -> None:
    trace = band([1, 2], [0.5, 1.5], [2.5, 3.5], Look(GREY))
    assert list(trace.x) == [1, 2, 2, 1]
    assert list(trace.y) == [2.5, 3.5, 1.5, 0.5]
