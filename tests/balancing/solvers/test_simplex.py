"""Projection on the simplex, by its optimality conditions."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from plait.balancing.solvers import project_simplex

POINTS = arrays.arrays(np.float64, st.integers(1, 8), elements=st.floats(-100, 100))


@given(POINTS)
def test_what_is_left_pulls_equally_on_all_positive_weights(y: np.ndarray) -> None:
    w = project_simplex(y)
    assert (w >= 0).all()
    np.testing.assert_allclose(w.sum(), 1)
    pull = y - w  # the same for all that are positive, and no more for the others
    tau = pull[w > 0].max()
    np.testing.assert_allclose(pull[w > 0], tau, atol=1e-12 * (1 + np.abs(y).max()))
    assert (pull[w == 0] <= tau + 1e-12 * (1 + np.abs(y).max())).all()


def test_by_hand() -> None:
    assert project_simplex(np.array([0.25, 0.75])).tolist() == [0.25, 0.75]
    assert project_simplex(np.array([1.0, 1.0, -5.0])).tolist() == [0.5, 0.5, 0.0]
    assert project_simplex(np.array([-7.0])).tolist() == [1.0]
