"""Curves in words and in tables are the values themselves."""

import pytest

from plait.reports.draw.curves import curve_table, some_of, summary, window
from plait.reports.read.series import TABLE_ROWS, Series


def test_a_curve_in_words_is_its_two_ends() -> None:
    text = summary("loss", Series([3, 4, 9], [0.5, 7.0, 0.25]), "step")
    assert text == "loss: 0.5 at step 3, 0.25 at step 9."


def test_a_table_has_the_values_of_all_curves_and_gaps() -> None:
    columns = {"a": Series([1, 2], [0.1, 0.2]), "b": Series([2, 3], [5.0, 6.0])}
    table = curve_table("Step", columns, "t")
    assert table.head == ["Step", "a", "b"]
    assert table.rows == [["1", "0.1", "–"], ["2", "0.2", "5"], ["3", "–", "6"]]


def test_a_long_table_is_spread_over_the_whole_curve() -> None:
    table = curve_table("Step", {"a": Series(list(range(1000)), [0.0] * 1000)}, "t")
    assert len(table.rows) == TABLE_ROWS
    assert (table.rows[0][0], table.rows[-1][0]) == ("0", "999")


@pytest.mark.parametrize(
    ("points", "words"),
    [(10, "The line shows each step."), (100, "the mean over 5 steps around it")],
)
def test_the_window_of_the_mean_is_said(points: int, words: str) -> None:
    curve = Series(list(range(points)), [1.0] * points)
    assert words in window([curve])


def test_what_is_not_drawn_is_counted() -> None:
    assert some_of(3, 3, "tasks") == ""
    assert some_of(3, 4, "tasks") == " Drawn are 3 of 4 tasks."
