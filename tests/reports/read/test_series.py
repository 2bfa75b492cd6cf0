"""Curves keep their ends, and their means are means."""

import math
import random
from itertools import pairwise

import pytest

from plait.reports.read.series import (
    LINE_POINTS,
    Series,
    evenly_spaced,
    largest,
    over_seeds,
    series,
)


@pytest.mark.parametrize("count", [0, 1, 2, 7, 30, 31, 499, 501, 100_003])
@pytest.mark.parametrize("most", [2, 30, 500])
def test_spread_indices_are_distinct_and_even(count: int, most: int) -> None:
    kept = evenly_spaced(count, most)
    assert len(kept) == min(count, most)
    if count:
        assert (kept[0], kept[-1]) == (0, count - 1)
    gaps = [b - a for a, b in pairwise(kept)]
    assert all(gap > 0 for gap in gaps)
    assert not gaps or max(gaps) - min(gaps) <= 1


def test_the_running_mean_is_the_slow_loop() -> None:
    draw = random.Random(0)
    values = [draw.gauss(0, 1) for _ in range(1300)]
    curve = Series(list(range(1, 1301)), values)
    smooth = curve.smoothed()
    assert curve.half_window == 26
    assert len(smooth.x) == LINE_POINTS
    for x, y in zip(smooth.x, smooth.y, strict=True):
        near = [values[i] for i in range(1300) if abs(i - (x - 1)) <= 26]
        assert y == pytest.approx(sum(near) / len(near), abs=1e-12)


def test_a_short_curve_is_not_smoothed() -> None:
    curve = Series([1, 2, 3], [1.0, 5.0, 2.0])
    assert curve.smoothed() == curve.thinned() == curve


def test_only_finite_values_are_drawn() -> None:
    events = [(1, 2.0), (2, None), (3, math.nan), (4, math.inf), (5, 4.0)]
    curve = series(events, lambda event: event[0], lambda event: event[1])
    assert curve == Series([1, 5], [2.0, 4.0])


def test_the_largest_curves_are_those_that_end_farthest_from_zero_in_their_order() -> None:
    curves = {name: Series([1, 2], [9.0, y]) for name, y in (("a", 1.0), ("b", -3.0), ("c", 2.0))}
    assert list(largest(curves, 2)) == ["b", "c"]
    assert largest(curves, 3) == curves


@pytest.mark.parametrize(
    ("values", "wide"),
    [([1.0, 100.0], False), ([1.0, 101.0], True), ([0.0, 101.0], False), ([], False)],
)
def test_a_logarithmic_axis_is_for_more_than_a_hundredfold(values: list[float], wide: bool) -> None:
    assert Series(list(range(len(values))), values).wide is wide


def test_over_seeds_a_curve_has_mean_and_deviation_where_all_have_a_point() -> None:
    found = over_seeds([Series([1, 2, 3], [1.0, 2.0, 9.0]), Series([1, 2], [3.0, 2.0])])
    assert found is not None
    assert found.mean == Series([1, 2], [2.0, 2.0])
    assert found.low == pytest.approx([2 - math.sqrt(2), 2.0])
    assert found.high == pytest.approx([2 + math.sqrt(2), 2.0])


def test_one_seed_has_no_spread_and_no_seed_no_curve() -> None:
    alone = over_seeds([Series([1], [5.0])])
    assert alone is not None
    assert alone.low == alone.high == alone.mean.y == [5.0]
    assert over_seeds([]) is None
    assert over_seeds([Series([1], [5.0]), Series([2], [5.0])]) is None
