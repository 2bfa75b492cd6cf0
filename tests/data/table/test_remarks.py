"""Words on columns whose values are known."""

import numpy as np
import pandas as pd
import pytest

from plait.data.table.kinds import guess
from plait.data.table.remarks import number_of_values, percent, remark, shown


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([3.5, 7.25, 7.25, None], "3.5 to 7.25, 25 % missing"),
        ([1, 2, 123456, 4], "1 to 123,456"),
        ([1e-7, 1.0, 2e12, 0.5], "1e-07 to 2,000,000,000,000"),
        ([0.123456, 2.5], "0.1235 to 2.5"),
        (
            ["3", "?", "4", ">5"],
            "3 to 4, with bounds such as >10, 25 % missing, missing where it says ?",
        ),
        (["a", "b", "a", "a"], "a 75 %, b 25 %"),
        (["a"] * 6 + ["b"] * 2 + ["c", "c", "d", "d"], "4 values: a 50 %, b 17 %, c 17 %, ..."),
        ([True, False, False, False], "25 % yes"),
        (["yes", "no", "NA", "no"], "33 % yes, 25 % missing, missing where it says NA"),
        (["31.12.2020", "01.01.2021"], "2020-12-31 to 2021-01-01"),
        (["a|b", "b", "a|b", "b|c", "b"] * 2, "b 100 %, a 40 %, c 20 %"),
        ([["a", "b"], [], ["b"], ["b"]], "b 75 %, a 25 %"),
        (["1 2", "3 4"], "numbers in each cell"),
        (["yes", None, "yes", None], "yes or nothing, yes 100 %, 50 % missing"),
        ([None, None], "no row has a value, 100 % missing"),
    ],
)
def test_a_column_in_words(cells: list[object], expected: str) -> None:
    series = pd.Series(cells)
    assert remark(series, guess(series)) == expected


def test_values_are_counted_without_missing_ones() -> None:
    series = pd.Series(["1.5", "NA", "2.5", "1.5", None])
    assert number_of_values(series, guess(series)) == 2


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.0, "0 %"),
        (0.0004, "under 0.1 %"),
        (0.009, "0.9 %"),
        (0.0625, "6.2 %"),
        (0.5, "50 %"),
        (0.994, "99 %"),
        (0.9999, "over 99.9 %"),
        (1.0, "100 %"),
    ],
)
def test_percent(share: float, expected: str) -> None:
    assert percent(share) == expected


def test_percent_never_says_all_or_none_of_what_is_not() -> None:
    for share in np.linspace(1e-6, 1 - 1e-6, 999):
        assert percent(float(share)) not in {"0 %", "100 %"}


def test_values_are_shown_in_one_line() -> None:
    assert shown("a\n\tb\x00c\u2028d") == "a b c d"
    assert shown("x" * 50) == "x" * 21 + "..."
