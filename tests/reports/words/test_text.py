"""Numbers and judgements as text."""

import math

import pytest

from plait.reports.words.text import against, number_over, per_cent
from tests.reports.words.made import breaking


@pytest.mark.parametrize(
    ("value", "trivial", "higher", "word"),
    [
        (0.9, 0.1, True, "better"),
        (0.9, 0.1, False, "worse"),
        (0.1, 0.1, True, "no better"),
        (0.1, None, True, "–"),
        (0.1, 0.2, None, "–"),
        (math.nan, 0.2, True, "–"),
    ],
)
def test_against_the_trivial_predictor(
    value: float, trivial: float | None, higher: bool | None, word: str
) -> None:
    assert against(value, trivial, higher) == word


def test_no_change_has_no_minus() -> None:
    assert breaking(per_cent(-0.04)) == "+0.0 %"
    assert breaking(per_cent(-0.06)) == "-0.1 %"


def test_one_seed_has_no_deviation() -> None:
    assert number_over([0.25]) == "0.25"


def test_several_seeds_have_the_sample_deviation() -> None:
    assert breaking(number_over([1.0, 2.0, 3.0])) == "2 ± 1"


def test_a_seed_that_cannot_be_compared_leaves_no_number() -> None:
    assert number_over([math.nan, 1.0]) == "–"
