"""Least squares with a singular matrix."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing.solvers.least_norm import least_norm
from tests.balancing.gramians import jacobians


@given(jacobians(max_tasks=6), st.integers(0, 2**32 - 1))
def test_is_the_pseudo_inverse_and_the_share_in_the_range(jacobian: np.ndarray, seed: int) -> None:
    values = np.linalg.svd(jacobian, compute_uv=False)
    if not values[0] or ((values / values[0] > 1e-9) & (values / values[0] < 1e-3)).any():
        return  # neither dependent nor independent
    matrix = jacobian @ jacobian.T / values[0] ** 2
    target = np.random.default_rng(seed).standard_normal(len(matrix))
    x, share = least_norm(matrix, target, 1e-12)
    np.testing.assert_allclose(x, np.linalg.pinv(matrix, rcond=1e-9) @ target, rtol=1e-5, atol=1e-7)
    inside = matrix @ x
    assert share == pytest.approx((inside @ inside) / (target @ target), abs=1e-7)


def test_shares_of_one_and_none_are_exact() -> None:
    opposite = np.array([[1.0, -1.0], [-1.0, 1.0]])
    x, share = least_norm(opposite, np.ones(2), 1e-15)
    assert (x.tolist(), share) == ([0.0, 0.0], 0.0)
    assert least_norm(np.ones((3, 3)), np.ones(3), 1e-15)[1] == 1.0
    assert least_norm(np.diag([1.0, 2.0]), np.array([1.0, 1.0]), 1e-15)[1] == 1.0


def test_what_is_dependent_up_to_rounding_is_not_solved_for() -> None:
    matrix = np.array([[1.0, 1 - 1e-9], [1 - 1e-9, 1.0]])
    target = np.array([1.0, 0.0])
    np.testing.assert_allclose(least_norm(matrix, target, 1e-8)[0], [0.25, 0.25], rtol=1e-8)
    assert least_norm(matrix, target, 1e-12)[0][0] > 1e8
