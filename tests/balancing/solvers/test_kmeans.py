"""Clusters of numbers against every way to put them into groups."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing.solvers import kmeans_1d

VALUES = st.lists(st.integers(-20, 20).map(float), min_size=1, max_size=6)


def squares(values: np.ndarray, labels: tuple[int, ...]) -> float:
    """The squared distances to the means of the groups."""
    parts = [values[np.array(labels) == label] for label in set(labels)]
    return float(sum(((part - part.mean()) ** 2).sum() for part in parts))


@given(VALUES, st.integers(1, 4))
def test_is_the_best_of_all_partitions(numbers: list[float], groups: int) -> None:
    values = np.array(numbers)
    found = kmeans_1d(values, groups)
    every = itertools.product(range(groups), repeat=len(values))
    best = min(squares(values, labels) for labels in every)
    assert ((values - found) ** 2).sum() == pytest.approx(best, abs=1e-9)
    assert len(set(found)) <= groups
    for centre in set(found):
        assert values[found == centre].mean() == pytest.approx(centre, abs=1e-9)


@given(st.lists(st.floats(0.1, 10), min_size=2, max_size=20), st.integers(1, 5))
def test_the_order_of_the_values_does_not_matter(numbers: list[float], groups: int) -> None:
    values = np.array(numbers)
    order = np.random.default_rng(0).permutation(len(values))
    np.testing.assert_array_equal(
        kmeans_1d(values[order], groups), kmeans_1d(values, groups)[order]
    )


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_the_scale_of_the_values_does_not_matter(scale: float) -> None:
    values = scale * np.array([1.0, 5.0, 1.5, 5.5, 9.0])
    expected = scale * np.array([1.25, 5.25, 1.25, 5.25, 9.0])
    np.testing.assert_allclose(kmeans_1d(values, 3), expected, rtol=1e-12)


def test_close_values_far_from_zero_are_told_apart() -> None:
    """The difference of sums of squares would be rounding."""
    values = 1e8 + np.array([0.0, 0.25, 1.0, 1.25])
    np.testing.assert_array_equal(kmeans_1d(values, 2) - 1e8, [0.125, 0.125, 1.125, 1.125])


def test_one_group_more_groups_than_values_and_no_values() -> None:
    assert kmeans_1d(np.array([1.0, 2.0, 6.0]), 1).tolist() == [3.0, 3.0, 3.0]
    assert kmeans_1d(np.array([4.0, 2.0]), 7).tolist() == [4.0, 2.0]
    assert kmeans_1d(np.zeros(3), 2).tolist() == [0.0, 0.0, 0.0]
    assert kmeans_1d(np.zeros(0), 2).tolist() == []
