"""What a column holds: cases with a known answer, and every guess can be read as it says."""

import datetime
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.data.table import parse
from plait.data.table.described_inputs import Input
from plait.data.table.kinds import MISSING_WORDS, Guess, guess

ROWS = 60
RANDOM = np.random.default_rng(0)
CATEGORIES = RANDOM.choice(["red", "green", "blue"], ROWS).tolist()
MEASURED = RANDOM.normal(size=ROWS).round(3).tolist()


def column(*cells: object) -> pd.Series:
    """A column as a CSV file gives it."""
    text = "x,y\n" + "".join(f'"{cell}",1\n' for cell in cells)
    read = pd.read_csv(io.StringIO(text), keep_default_na=False, na_values=["", "NaN", "nan"])
    return read["x"]


def few(*words: str) -> pd.Series:
    return column(*(words * ROWS)[:ROWS])


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (column(*MEASURED), Guess("number")),
        (column(*range(3, 10), 5, 5, 6), Guess("number")),  # the quality of wines
        (few("1", "2"), Guess("number")),
        (few("0", "1"), Guess("yes/no")),
        (few("0", "1", ""), Guess("yes/no")),
        (few("0", "1", "NA"), Guess("yes/no", missing=("NA",))),
        (few("0.0", "1.0"), Guess("yes/no")),
        (few("yes", "no"), Guess("yes/no")),
        (few("Y", "N", "?"), Guess("yes/no", missing=("?",))),
        (few("True", "False"), Guess("yes/no")),
        (few("True", "False", ""), Guess("yes/no")),
        (few("T", "F", ""), Guess("yes/no")),
        (few("f", "m"), Guess("category")),
        (few("Yes", "No", "Not in universe"), Guess("category")),
        (few("<=50K", ">50K"), Guess("category")),
        (few("1) $0 - $100", "2) $100 - $200", "3) $200 - $350"), Guess("category")),
        (few("White, non-Hispanic", "Black, non-Hispanic", "Hispanic"), Guess("category")),
        (few("red", "green", "?"), Guess("category", missing=("?",))),
        (few("1", "2", "3", "A"), Guess("category")),
        (few("007", "008", "0012"), Guess("number")),  # a CSV file gives numbers
        (few("yes", ""), Guess("category", "yes or nothing")),
        (column(*MEASURED, "NA", "NA", "null"), Guess("number", missing=("NA", "null"))),
        (column(*MEASURED, "rotary"), Guess("number", missing=("rotary",))),
        (column(*MEASURED, ">10", "<0.5", "<= 3"), Guess("number", bounded=True)),
        (column(*MEASURED, "-", ">1e3"), Guess("number", missing=("-",), bounded=True)),
        (few("2020-01-31", "2021-12-01"), Guess("date", format="%Y-%m-%d")),
        (few("2020-01-31", "n/a"), Guess("category", "2020-01-31 or nothing", missing=("n/a",))),
        (
            few("2020-01-31", "2020-02-01", "n/a"),
            Guess("date", missing=("n/a",), format="%Y-%m-%d"),
        ),
        (few("2020-01-31 12:30", "2020-02-01 00:00"), Guess("date", format="%Y-%m-%d %H:%M")),
        (
            few("2020-01-31T12:30:00+02:00", "2020-02-01T00:00:01+01:00"),
            Guess("date", format="%Y-%m-%dT%H:%M:%S%z"),
        ),
        (few("2020-01-31", "2020-02-01 10:00"), Guess("date", format="ISO8601")),
        (few("31/12/2020", "01/02/2020"), Guess("date", format="%d/%m/%Y")),
        (few("12/31/2020", "01/02/2020"), Guess("date", format="%m/%d/%Y")),
        (few("1.2.2020", "3.4.2020"), Guess("date", format="%d.%m.%Y")),
        (few("01/01/2020", "02/02/2020"), Guess("date", format="%d/%m/%Y")),  # the same either way
        (few("3 Mar 2020", "14 Apr 2021"), Guess("date", format="%d %b %Y")),
        (few("12:30", "23:59"), Guess("date", format="%H:%M")),
        (few("action|drama", "drama", "comedy|action", "comedy"), Guess("tags", separator="|")),
        (few("a, b", "b", "a, b, c", "c"), Guess("tags", separator=",")),
        (few("[1, 2]", "[3, 4]"), Guess("numbers", separator=",")),
        (few("1 2 3", "4 5 6.5"), Guess("numbers", separator=" ")),
        (few("1;2;3", "4;5;-6e3"), Guess("numbers", separator=";")),
        (few("[1 2]", "[3  4]"), Guess("numbers", separator=" ")),
    ],
)
def test_a_column_is_recognised(cells: pd.Series, expected: Guess) -> None:
    assert guess(cells) == expected
    read(cells, expected)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (column("", "", ""), "no row has a value"),
        (few("?"), "no row has a value but ?"),
        (few("red"), "every row has the value 'red'"),
        (few("7"), "every row has the value 7"),
        (few("True"), "every row has the value True"),
        (column(*range(ROWS)), "a number of its own for each row"),
        (column(*RANDOM.permutation(ROWS) + 1), "a number of its own for each row"),
        (column(*(f"img_{i}" for i in range(ROWS))), "a word of its own for each row"),
        (few("01/02/2020", "03/04/2020"), "dates that can be read in several ways"),
        (few("3,5", "12,25"), "numbers with a comma, such as 3,5: write a point"),
        (few("12,000", "1,250,000", "3"), "numbers with a comma"),
        (column(*(f"{i * 7} kg" for i in range(ROWS))), "a word of its own for each row"),
        (column(*(f"{i * 7} kg" for i in range(ROWS)), "7 kg"), "write them without unit"),
        (column(*MEASURED, "bad", "worse"), "numbers, but 2 rows have text such as 'bad'"),
        (pd.Series([1.0, np.inf, 2.0]), "infinite numbers"),
        (pd.Series([1j, 2j]), "a type that is not read"),
        (pd.Series([{"a": 1}, {"a": 2}]), "a type that is not read"),
        (pd.Series(pd.to_timedelta([1, 2], unit="D")), "a type that is not read"),
        (pd.Series([[1, 2], [3]]), "lists of numbers of 2 different lengths"),
        (pd.Series([[1.0, np.nan], [3.0, 2.0]]), "lists with numbers that are NaN or infinite"),
        (pd.Series([[[1], [2]], [[3], [2]]]), "lists that are neither numbers alone nor words"),
        (pd.Series([None, None], dtype=object), "no row has a value"),
        (pd.Series([], dtype=float), "no row has a value"),
    ],
)
def test_nothing_can_be_learnt_from_a_column(cells: pd.Series, reason: str) -> None:
    found = guess(cells)
    assert (found.kind, reason in found.reason) == ("exclude", True), found


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (pd.Series(CATEGORIES, dtype="category"), Guess("category")),
        (pd.Series([1, 2, 3] * 5, dtype="category"), Guess("category")),
        (pd.Series(["no", "yes"] * 5, dtype="category"), Guess("yes/no")),
        (pd.Series([True, False, None] * 5, dtype="boolean"), Guess("yes/no")),
        (pd.Series([3, None, 5] * 5, dtype="Int64"), Guess("number")),
        (pd.Series(CATEGORIES, dtype="string"), Guess("category")),
        (pd.Series(pd.date_range("2020-01-01", periods=9)), Guess("date")),
        (pd.Series(pd.date_range("2020-01-01", periods=9, tz="Asia/Tokyo")), Guess("date")),
        (pd.Series([datetime.date(2020, 1, 1), None, datetime.date(2020, 2, 1)]), Guess("date")),
        (pd.Series([[1, 2], [3, 4]]), Guess("numbers")),
        (pd.Series([np.ones(3), np.zeros(3), None]), Guess("numbers")),
        (pd.Series([["a", "b"], [], ["b"]]), Guess("tags")),
        (pd.Series([True, None, False] * 5, dtype=object), Guess("yes/no")),
        (pd.Series([1, "2", 3.5, "NA"] * 5, dtype=object), Guess("number", missing=("NA",))),
        (pd.Series(["007", "008", "0012"] * 9), Guess("category")),
    ],
)
def test_a_column_of_a_frame_is_recognised(cells: pd.Series, expected: Guess) -> None:
    assert guess(cells) == expected
    read(cells, expected)


def test_a_name_says_that_whole_numbers_are_an_id() -> None:
    numbers = pd.Series(RANDOM.permutation(10**6)[:ROWS])
    for name in ("id", "customer_id", "CustomerId", "passengerID", "ID", "Unnamed: 0"):
        assert guess(numbers.rename(name)).kind == "exclude", name
    for name in ("price", "humid", "grid", "paid"):
        assert guess(numbers.rename(name)).kind == "number", name


# --- every guess can be read ----------------------------------------------------------------


def read(series: pd.Series, found: Guess) -> None:
    """Reads a column as its guess says; an error where that cannot be."""
    described = Input(found.kind, **{**found.options, "missing": found.missing})
    if found.bounded:
        parse.bounded_numbers(series, described.missing)
    elif found.kind == "number":
        parse.numbers(series, described.missing)
    elif found.kind == "date":
        assert not np.isnan(parse.dates(series, described.form, described.missing)).all()
    elif found.kind == "tags":
        parse.known_tags(series, described.form, described.missing)
    elif found.kind == "numbers":
        parse.vectors(series, described.form, described.missing)
    else:
        parse.words(series, described.missing)


CELLS = st.one_of(
    st.sampled_from(sorted(MISSING_WORDS)),
    st.integers(-5, 1000).map(str),
    st.floats(-1e6, 1e6).map(str),
    st.sampled_from(
        [">3", "<= 1e-3", "yes", "no", "a;b", "b", "1 2", "[3, 4]", "2020-01-31", " a "]
    ),
    st.text(max_size=5),
)
# Cells of one kind are what a column of that kind is made of
COLUMNS = st.one_of(
    st.lists(CELLS, min_size=1, max_size=30),
    *[
        st.lists(st.one_of(each, st.just("NA")), min_size=1, max_size=30)
        for each in (
            st.floats(-1e6, 1e6).map(str),
            st.dates().map(str),
            st.datetimes().map(str),
            st.lists(st.integers(-9, 9), min_size=2, max_size=2).map(str),
            st.lists(st.sampled_from("abcd"), unique=True).map("; ".join),
        )
    ],
)


@given(COLUMNS, st.integers(1, 30))
def test_any_text_gets_a_guess_that_can_be_read(some: list[str], times: int) -> None:
    series = pd.Series(some * times, name="x")
    found = guess(series)
    if found.kind != "exclude":
        read(series, found)


@given(st.permutations([*MEASURED, "NA", ">3"]))
def test_the_order_of_rows_changes_no_guess(some: list[object]) -> None:
    assert guess(column(*some)) == Guess("number", missing=("NA",), bounded=True)


@pytest.mark.parametrize(
    "cells",
    [
        column(*(f"a row that has the word {i}" for i in range(ROWS))),
        column(*(f"東京へ行く{i}回" for i in range(ROWS))),
    ],
)
def test_sentences_are_read_as_text(cells: pd.Series) -> None:
    assert guess(cells).kind == "text"
