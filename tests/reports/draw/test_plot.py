"""Axes leave room for what they show."""

import json
from typing import Any

import pytest

from plait.reports.draw.plot import draw_bars, draw_lines, line
from plait.reports.draw.style import GREY, Look
from plait.reports.read.series import Series
from tests.reports.words.made import breaking


def layout(markup: str) -> dict[str, Any]:
    """The layout of a chart as plotly gets it."""
    decoder, start = json.JSONDecoder(), markup.index("[", markup.index("Plotly.newPlot("))
    _, end = decoder.raw_decode(markup[start:])
    found, _ = decoder.raw_decode(markup[markup.index("{", start + end) :])
    return dict(found)


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


@pytest.mark.parametrize(
    ("ends", "span"),
    [(None, [-11.0, 11.0]), ((0.0, 10.0), [0.0, 16.0]), ((-10.0, 10.0), [-22.0, 22.0])],
)
def test_bars_have_room_for_their_numbers(
    ends: tuple[float, float] | None, span: list[float]
) -> None:
    axis = layout(draw_bars("b", ["x", "y"], [[5.0], [-1.0]], [GREY, GREY], ends))["xaxis"]
    assert axis["range"] == pytest.approx(span)


def traces(plot: str) -> list[dict[str, Any]]:
    """The traces as plotly has them in the page."""
    start = plot.index("[{", plot.index("Plotly.newPlot"))
    return json.JSONDecoder().raw_decode(plot[start:])[0]


def test_one_seed_is_a_bar_with_its_number() -> None:
    (bars,) = traces(draw_bars("b", ["x"], [[5.0]], [GREY]))
    assert bars["x"] == [5.0]
    assert bars["text"] == ["+5.0\N{NO-BREAK SPACE}%"]


def test_several_seeds_are_circles_on_their_mean_with_the_number_below_the_name() -> None:
    plot = draw_bars("b", ["x", "y"], [[5.0, 7.0], [-4.0, 2.0]], [GREY, GREY])
    bars, circles = traces(plot)
    assert bars["x"] == [6.0, -1.0]
    assert list(zip(circles["x"], circles["y"], strict=True)) == [(5, 0), (7, 0), (-4, 1), (2, 1)]
    labels = layout(plot)["yaxis"]["ticktext"]
    assert [breaking(label) for label in labels] == ["x<br>+6.0 ± 1.4 %", "y<br>-1.0 ± 4.2 %"]


def test_a_name_is_never_markup() -> None:
    labels = layout(draw_bars("b", ["<br>"], [[5.0, 7.0]], [GREY]))["yaxis"]["ticktext"]
    assert labels[0].startswith("&lt;br&gt;<br>")
