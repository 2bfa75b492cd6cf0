"""Cells with several values, by lists that were written in a known way."""

from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.data.table.lists import (
    has_commas_in_numbers,
    listed_kind,
    numbers_separator,
    tags_separator,
)


def distinct(lists: list[list[float]], separator: str, around: str = "") -> pd.Series:
    left, right = around[:1], around[1:]
    return pd.Series(sorted({left + separator.join(map(str, each)) + right for each in lists}))


NUMBERS = st.integers(2, 5).flatmap(
    lambda length: st.lists(
        st.lists(st.floats(-1e9, 1e9), min_size=length, max_size=length), min_size=1, max_size=9
    )
)


@given(
    NUMBERS,
    st.sampled_from([",", ", ", ";", "|", " ", "  ", " ; "]),
    st.sampled_from(["", "[]", "()"]),
)
def test_lists_of_numbers_are_found(lists: list[list[float]], written: str, around: str) -> None:
    assert numbers_separator(distinct(lists, written, around)) == (written.strip() or " ")


def test_lists_of_different_lengths_are_none() -> None:
    assert numbers_separator(pd.Series(["1 2", "1 2 3"])) is None
    assert numbers_separator(pd.Series(["1 2", "1 two"])) is None
    assert numbers_separator(pd.Series(["1", "2"])) is None


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["3,5", "4,25"], True),
        (["3,5", "4"], True),
        (["12,000", "1,000,000.5", "7"], True),
        (["3", "4"], False),
        (["3, 5", "4, 5"], False),
        (["1,2,3", "4,5,6"], False),
        (["3,5", "a"], False),
    ],
)
def test_commas_in_numbers(words: list[str], expected: bool) -> None:
    assert has_commas_in_numbers(pd.Series(words)) is expected


def counted(cells: list[str]) -> pd.Series:
    return pd.Series(cells).value_counts()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("written", ["|", ";", ",", ", "])
def test_tags_are_found(seed: int, written: str) -> None:
    random = Random(seed)
    known = ["action", "drama", "comedy", "science fiction", "war"]
    cells = [written.join(random.sample(known, 1 + number % 4)) for number in range(60)]
    assert tags_separator(counted(cells)) == written.strip()


@pytest.mark.parametrize(
    "cells",
    [
        ["red", "green"] * 9,
        [f"surname {i}, name {i % 7}" for i in range(99)],  # always two
        [f"A sentence, with the number {i}, ends" if i % 2 else f"and, {i}" for i in range(99)],
        ["White, non-Hispanic", "Black, non-Hispanic", "Hispanic"] * 9,
        ["a, " + "very " * 9 + "long thing", "a"] * 9,
    ],
)
def test_words_and_sentences_are_no_tags(cells: list[str]) -> None:
    assert tags_separator(counted(cells)) is None


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([[1, 2], (3, 4)], "numbers"),
        ([np.ones(2), np.zeros(2)], "numbers"),
        ([["a"], [], {"b", "c"}], "tags"),
        ([[1, 2], [3]], "exclude"),
        ([[1, 2], []], "exclude"),
        ([["a"], [1]], "exclude"),
    ],
)
def test_lists_of_python(cells: list[object], kind: str) -> None:
    assert listed_kind(pd.Series(cells))[0] == kind
