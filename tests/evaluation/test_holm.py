import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.evaluation import holm

P = st.floats(0, 1)


def rejected(p: list[float], level: float) -> set[int]:
    """Holm's procedure as he wrote it: step down until one is not rejected."""
    left, found = set(range(len(p))), set()
    while left:
        place = min(left, key=lambda each: p[each])
        if p[place] > level / len(left):
            break
        left.remove(place)
        found.add(place)
    return found


@given(st.lists(P, max_size=8), st.sampled_from([0.01, 0.05, 0.2, 0.5]))
def test_what_is_at_most_the_level_is_what_the_procedure_rejects(
    p: list[float], level: float
) -> None:
    adjusted = holm(p)
    for place, value in enumerate(adjusted):
        if abs(value - level) > 1e-12:  # a tie may fall either way by rounding
            assert (value < level) == (place in rejected(p, level))


@given(st.lists(P, min_size=1, max_size=8))
def test_it_lies_between_the_p_value_and_bonferroni(p: list[float]) -> None:
    for value, adjusted in zip(p, holm(p), strict=True):
        assert value <= adjusted <= min(1.0, len(p) * value)
    assert min(holm(p)) == min(1.0, len(p) * min(p))


@given(st.lists(P, min_size=2, max_size=6), st.randoms())
def test_the_order_does_not_count(p: list[float], random) -> None:
    order = list(range(len(p)))
    random.shuffle(order)
    adjusted, moved = holm(p), holm([p[place] for place in order])
    assert moved == [adjusted[place] for place in order]


def test_what_is_not_tested_does_not_count() -> None:
    assert holm([0.01, math.nan, 0.02])[::2] == holm([0.01, 0.02])
    assert math.isnan(holm([math.nan])[0])
    assert holm([]) == []


def test_as_published_in_statsmodels() -> None:
    """multipletests(..., method="holm") of its documentation's kind, worked by hand."""
    assert holm([0.01, 0.02, 0.03, 0.04, 0.05]) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])
