"""Many tasks in a few numbers, against loops that look at all of them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.core.many import QUANTILES, main_skills, quantiles, worst_and_best

SCORES = st.dictionaries(st.text(max_size=3), st.floats(-10, 10) | st.just(math.nan), max_size=12)


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=30))
def test_a_quantile_lies_where_its_share_of_the_numbers_is_below(values: list[float]) -> None:
    order = sorted(values)
    for share, found in zip(QUANTILES, quantiles([*values, math.nan, math.inf]), strict=True):
        place = share / 100 * (len(order) - 1)
        low, high = order[math.floor(place)], order[math.ceil(place)]
        assert found == pytest.approx(low + (place - math.floor(place)) * (high - low), abs=1e-9)


def test_of_no_number_there_is_no_quantile() -> None:
    assert all(map(math.isnan, quantiles([math.nan])))


@given(SCORES, st.integers(1, 5))
def test_nobody_else_is_worse_or_better(scores: dict[str, float], most: int) -> None:
    worst, best = worst_and_best(scores, most)
    known = {name: score for name, score in scores.items() if not math.isnan(score)}
    assert len(worst) == len(best) == min(most, len(known) // 2)
    assert not set(worst) & set(best)
    rest = [score for name, score in known.items() if name not in {*worst, *best}]
    for side in (worst, best):
        assert [known[name] for name in side] == sorted(known[name] for name in side)
    assert all(known[name] <= other for name in worst for other in rest)
    assert all(known[name] >= other for name in best for other in rest)


@pytest.mark.parametrize(
    ("value", "trivial", "higher", "expected"),
    [
        (0.75, 0.5, True, 0.5),
        (0.5, 2.0, False, 0.75),
        (3.0, 2.0, False, -0.5),
        (0.25, 0.5, True, -0.5),
        (0.5, 0.0, True, 0.5),
        (1.0, 1.0, True, math.nan),  # a constant is perfect
        (7.0, 2.0, True, math.nan),  # a metric whose best value is not 1
        (-7.0, 2.0, False, math.nan),
        (0.5, None, True, math.nan),
        (0.5, 0.5, None, math.nan),
    ],
)
def test_skill_is_0_as_the_trivial_predictor_and_1_when_perfect(
    value: float, trivial: float | None, higher: bool | None, expected: float
) -> None:
    metrics = {"a": {"m": value, "other": 0.0}}
    base = {} if trivial is None else {"a": {"m": trivial}}
    direction = {} if higher is None else {"a": {"m": higher}}
    assert main_skills(metrics, base, direction)["a"] == pytest.approx(expected, nan_ok=True)


def test_a_task_without_a_metric_has_no_skill() -> None:
    assert main_skills({"a": {}}, {}, {}) == {}
