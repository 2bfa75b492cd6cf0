import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.core.errors import DataError
from plait.data.table import parse


@given(st.lists(st.none() | st.floats(-3e38, 3e38), min_size=1))
def test_numbers_are_the_same_as_numbers_and_as_words(values: list[float | None]) -> None:
    expected = np.array([math.nan if value is None else value for value in values])
    words = ["?" if value is None else f" {value!r}" for value in values]
    for column in (pd.Series(values, dtype="float64"), pd.Series(words, dtype="str")):
        np.testing.assert_array_equal(parse.numbers(column, ["?"]), expected)


@pytest.mark.parametrize("dtype", ["Int64", "Float32", "boolean", "int8", "bool", "category"])
def test_numbers_of_every_dtype(dtype: str) -> None:
    column = pd.Series([1, 0, 1], dtype=dtype)
    np.testing.assert_array_equal(parse.numbers(column), [1, 0, 1])
    if dtype in ("Int64", "boolean"):
        column[1] = pd.NA
        np.testing.assert_array_equal(parse.numbers(column), [1, math.nan, 1])


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            ["1", "x", "y"],
            "column 'n' of t.csv must be a number; found 'x' in row 2, and in 1 more",
        ),
        ([1.0, math.inf], "must be finite; found 'inf' in row 2"),
        (["1", "z" * 100], r"found 'z{40}... \(100 characters\)' in row 2"),
    ],
)
def test_cells_that_are_no_numbers(values: list[object], words: str) -> None:
    with pytest.raises(DataError, match=words):
        parse.numbers(pd.Series(values, name="n"), source="t.csv")


def test_a_row_is_named_by_its_label() -> None:
    column = pd.Series(["1", "x"], index=["anna", "ben"], name="n")
    with pytest.raises(DataError, match="found 'x' in row 'ben'"):
        parse.numbers(column)


def test_bounds() -> None:
    column = pd.Series([">10", "<0.5", "3", ">= 2", None, "?"], name="n")
    inf = math.inf
    expected = [[10, inf], [-inf, 0.5], [3, 3], [2, inf], [math.nan] * 2, [math.nan] * 2]
    np.testing.assert_array_equal(parse.bounded_numbers(column, ["?"]), expected)
    np.testing.assert_array_equal(parse.bounded_numbers(pd.Series([1.5])), [[1.5, 1.5]])
    with pytest.raises(DataError, match="must be a number or a bound; found '>x' in row 1"):
        parse.bounded_numbers(pd.Series([">x"], name="n"))


def test_words_are_the_same_however_whole_numbers_are_written() -> None:
    for values in ([3, 4, 3], [3.0, 4.0, 3.0], ["3", " 4", "3 "]):
        codes, words = parse.words(pd.Series(values))
        assert [words[code] for code in codes] == ["3", "4", "3"]
    codes, words = parse.words(pd.Series([True, None, False, "", "?"], dtype=object), ["?"])
    assert codes.tolist() == [0, -1, 1, -1, -1]
    assert words == ["True", "False"]


def test_a_cell_that_is_too_long() -> None:
    column = pd.Series(["a", "b" * (20 * 2**20)], name="n")
    with pytest.raises(DataError, match=r"'n' of t.csv must be at most 16 MB .* in row 2"):
        parse.words(column, source="t.csv")


def test_yes_and_no() -> None:
    column = pd.Series(["y", "n", None, "?"])
    found = parse.yes_or_no(parse.words(column, ["?"]), ["y"])
    np.testing.assert_array_equal(found, [1, 0, math.nan, math.nan])


def test_dates_turn_round_with_the_year_the_week_and_the_day() -> None:
    cells = ["2000-01-01", "2001-01-01T12:00", None]
    for column in (pd.Series(cells), pd.to_datetime(pd.Series(cells), format="ISO8601")):
        found = parse.dates(column)
        assert found.shape == (3, parse.DATE_NUMBERS)
        np.testing.assert_allclose(found[0], [0, 0, 1, *_turn(5 / 7), 0, 1], atol=1e-12)
        days = 366.5
        years = days / parse.DAYS_OF_YEAR
        expected = [years, *_turn(years), *_turn(0.5 / 7), *_turn(0.5)]
        np.testing.assert_allclose(found[1], expected, atol=1e-9)
        assert np.isnan(found[2]).all()
    np.testing.assert_array_equal(
        parse.dates(pd.Series(["31.12.2020"]), "%d.%m.%Y"), parse.dates(pd.Series(["2020-12-31"]))
    )
    with pytest.raises(DataError, match=r"a date of the form %d; found 'x' in row 1"):
        parse.dates(pd.Series(["x"]), "%d")


def _turn(share: float) -> list[float]:
    return [math.sin(2 * math.pi * share), math.cos(2 * math.pi * share)]


def test_tags_of_words_and_of_lists() -> None:
    for column in (
        pd.Series(["a; b", "b", None, "c;b"]),
        pd.Series([["a", "b"], ["b"], None, ["c", "b"]]),
    ):
        expected = [[1, 1], [0, 1], [math.nan] * 2, [0, 1]]
        np.testing.assert_array_equal(parse.tags(column, ["a", "b"]), expected)
        assert parse.known_tags(column) == {"a": 1, "b": 3, "c": 1}
    np.testing.assert_array_equal(parse.tags(pd.Series([[], ["a"]]), ["a"]), [[0], [1]])


def test_lists_of_numbers() -> None:
    expected = [[1, 2.5], [math.nan] * 2, [3, 4]]
    for cells in (["[1, 2.5]", None, "[3,4]"], ["1 2.5", "", "3 4"], [[1, 2.5], None, (3, 4)]):
        np.testing.assert_array_equal(parse.vectors(pd.Series(cells)), expected)
    np.testing.assert_array_equal(parse.vectors(pd.Series(["1;2"]), ";"), [[1, 2]])
    for cell in ("1 2 3", "1 x", 7):
        with pytest.raises(DataError, match=r"must be a list of 2 numbers; found .* in row 2"):
            parse.vectors(pd.Series(["1 2", cell], name="v"))


def test_numbers_that_float32_cannot_hold() -> None:
    with pytest.raises(DataError, match=r"at most 3\.4e\+38 in size; found '-1e\+39' in row 2"):
        parse.numbers(pd.Series([3e38, -1e39], name="n"))


@pytest.mark.parametrize("cell", [{"a": 1}, [1, 2], np.zeros(2)])
def test_a_structure_is_no_word(cell: object) -> None:
    column = pd.Series(["a", None, cell], dtype=object, name="c")
    with pytest.raises(DataError, match=r"'c' must be a word or a number; found .* in row 3"):
        parse.words(column)
