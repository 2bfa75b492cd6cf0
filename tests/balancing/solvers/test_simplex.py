"""Projection on the simplex against bisection; the golden values are in `test_reference`."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing.solvers import project_simplex

points = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8).map(np.array)


def by_bisection(point: np.ndarray) -> np.ndarray:
    low, high = point.min() - 1, point.max()
    for _ in range(200):
        middle = (low + high) / 2
        total = np.maximum(point - middle, 0).sum()
        low, high = (middle, high) if total > 1 else (low, middle)
    nearest: np.ndarray = np.maximum(point - low, 0)
    return nearest


@given(points)
def test_subtracts_one_number_from_what_stays_positive(point: np.ndarray) -> None:
    size = max(1.0, np.abs(point).max())
    np.testing.assert_allclose(project_simplex(point), by_bisection(point), atol=1e-13 * size)


@given(points)
def test_lies_in_the_simplex(point: np.ndarray) -> None:
    x = project_simplex(point)
    assert (x >= 0).all()
    np.testing.assert_allclose(x.sum(), 1, rtol=1e-14)


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=8))
def test_a_point_of_the_simplex_stays(shares: list[float]) -> None:
    inside = np.array(shares) / np.sum(shares)
    np.testing.assert_allclose(project_simplex(inside), inside, rtol=1e-12)


def test_by_hand() -> None:
    assert project_simplex(np.array([3.0])).tolist() == [1.0]
    assert project_simplex(np.array([1.5, 1.0, 0.0])).tolist() == [0.75, 0.25, 0.0]
    assert project_simplex(np.array([7.0, 7.0])).tolist() == [0.5, 0.5]
