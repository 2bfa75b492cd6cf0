"""Equal rows, against loops over pairs."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from plait.data.table.twins import Twins, equal_rows, groups, twins

CELLS = st.sampled_from([0.0, 1.0, None, np.nan, "a", "b"])
TABLES = st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=30)


def same(one: object, other: object) -> bool:
    return bool((pd.isna(one) and pd.isna(other)) or one == other)


def equal(one: tuple, other: tuple) -> bool:
    return all(same(a, b) for a, b in zip(one, other, strict=True))


@given(TABLES)
def test_rows_have_one_number_where_they_are_equal(rows: list[tuple]) -> None:
    numbers = equal_rows(pd.DataFrame(rows))
    for one, first in enumerate(rows):
        for other, second in enumerate(rows):
            assert (numbers[one] == numbers[other]) == equal(first, second)


NUMBERS = st.sampled_from([0.0, -0.0, 1.0, 1e-9, np.nan, -np.nan, np.inf, -np.inf, 1e308, -1e308])


@given(st.lists(st.tuples(*[NUMBERS] * 4, st.integers(-2, 2), st.booleans()), min_size=1))
def test_numbers_tell_rows_apart_no_further_than_they_are(rows: list[tuple]) -> None:
    numbers = equal_rows(pd.DataFrame(rows)).tolist()
    for one, first in enumerate(rows):
        others = [other for other, second in enumerate(rows) if equal(first, second)]
        assert [other for other, number in enumerate(numbers) if number == numbers[one]] == others
    assert list(dict.fromkeys(numbers)) == list(range(max(numbers) + 1))


@given(TABLES, st.integers(0, 10**6))
def test_twins_are_counted(rows: list[tuple], seed: int) -> None:
    frame = pd.DataFrame(rows, columns=["a", "b", "y"])
    split = np.random.default_rng(seed).integers(0, 3, len(rows))
    divided = {
        name: np.flatnonzero(split == place) for place, name in enumerate(("train", "val", "test"))
    }
    expected = []
    for name in ("val", "test"):
        own = [rows[row] for row in divided[name]]
        training = [rows[row] for row in divided["train"]]
        inputs = sum(any(equal(row[:2], other[:2]) for other in training) for row in own)
        targets = sum(any(equal(row, other) for other in training) for row in own)
        if inputs:
            expected.append(Twins(name, len(own), inputs, targets))
    assert twins(frame[["a", "b"]], frame[["y"]], divided) == expected


def test_lists_and_every_type_of_a_frame_are_compared() -> None:
    frame = pd.DataFrame(
        {
            "list": [[1, 2], [1, 2], [1]],
            "array": [np.ones(2), np.ones(2), np.ones(2)],
            "word": pd.Series(["a", "a", "b"], dtype="string"),
            "category": pd.Series(["a", "a", "b"], dtype="category"),
            "day": pd.to_datetime(["2020-01-01"] * 3),
            "whole": pd.Series([1, 1, None], dtype="Int64"),
        }
    )
    for name in frame:
        found = equal_rows(frame[[name]])
        assert found[0] == found[1]
    assert equal_rows(frame).tolist() == [0, 0, 1]


def test_the_sentence() -> None:
    assert Twins("test", 1300, 26, 20).sentence == (
        "26 of the 1,300 rows of test have the inputs of a training row, 20 of them its targets "
        "too, for which memory is enough."
    )


def test_rows_without_a_group_are_groups_of_their_own() -> None:
    found = groups(pd.Series(["b", None, "a", "b", np.nan]))
    assert found[0] == found[3]
    assert len(set(found.tolist())) == 4
    assert groups(pd.Series([3, 3, 5])).tolist() == [0, 0, 1]
