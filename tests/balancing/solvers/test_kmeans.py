"""Exact k-means on a line against all divisions into groups."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing.solvers import kmeans_1d


def best_of_all(values: np.ndarray, groups: int) -> float:
    """The least sum of squares over all assignments of values to groups."""
    best = np.inf
    for labels in itertools.product(range(groups), repeat=len(values)):
        assigned = np.array(labels)
        members = [values[assigned == label] for label in range(groups)]
        cost = sum(((group - group.mean()) ** 2).sum() for group in members if len(group))
        best = min(best, float(cost))
    return best


@given(st.lists(st.integers(-20, 20), min_size=1, max_size=6), st.integers(1, 3))
def test_is_the_best_of_all_divisions(numbers: list[int], groups: int) -> None:
    values = np.array(numbers, dtype=float)
    centres = kmeans_1d(values, groups)
    assert len(set(centres.tolist())) <= groups
    assert ((values - centres) ** 2).sum() == pytest.approx(best_of_all(values, groups), abs=1e-9)
    for centre in set(centres.tolist()):
        assert values[centres == centre].mean() == pytest.approx(centre)


def test_by_hand() -> None:
    values = np.array([10.0, 1.0, 12.0, 2.0, 30.0])
    assert kmeans_1d(values, 1).tolist() == [11.0] * 5
    assert kmeans_1d(values, 2).tolist() == [6.25, 6.25, 6.25, 6.25, 30.0]
    assert kmeans_1d(values, 3).tolist() == [11.0, 1.5, 11.0, 1.5, 30.0]
    assert kmeans_1d(values, 5).tolist() == values.tolist()
    assert kmeans_1d(values, 9).tolist() == values.tolist()


def test_equal_values_have_one_centre() -> None:
    assert kmeans_1d(np.full(5, 0.3), 3).tolist() == pytest.approx([0.3] * 5)


def test_groups_of_large_numbers_with_small_differences_are_found() -> None:
    values = 1e9 + np.array([0.0, 0.001, 1.0, 1.001])
    centres = kmeans_1d(values, 2)
    np.testing.assert_allclose(centres - 1e9, [0.0005, 0.0005, 1.0005, 1.0005], atol=1e-6)
