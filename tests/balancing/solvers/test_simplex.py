"""Projection on the simplex."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing.solvers import project_simplex

POINTS = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=12).map(np.array)


def test_by_hand() -> None:
    assert project_simplex(np.array([0.3, 0.4])).tolist() == pytest.approx([0.45, 0.55])
    assert project_simplex(np.array([2.0, 0.0, -1.0])).tolist() == [1.0, 0.0, 0.0]
    assert project_simplex(np.array([5.0])).tolist() == [1.0]
    assert project_simplex(np.array([7.0, 7.0])).tolist() == [0.5, 0.5]


@given(POINTS)
def test_meets_the_optimality_conditions(y: np.ndarray) -> None:
    """x = max(y - tau, 0) for one tau, on the simplex; these conditions have one solution."""
    x = project_simplex(y)
    assert x.min() >= 0
    assert x.sum() == pytest.approx(1)
    tau = (y - x)[x > 0]
    np.testing.assert_allclose(tau, tau[0], atol=1e-9)
    assert (y[x == 0] <= tau[0] + 1e-9).all()


@given(POINTS, st.floats(-100, 100))
def test_a_point_on_the_simplex_stays_and_shifts_do_not_matter(y: np.ndarray, shift: float) -> None:
    x = project_simplex(y)
    np.testing.assert_allclose(project_simplex(x), x, atol=1e-12)
    np.testing.assert_allclose(project_simplex(y + shift), x, atol=1e-9)
