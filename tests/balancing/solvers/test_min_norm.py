"""The min-norm point of a hull, by its optimality condition and in closed form."""

import numpy as np
from hypothesis import given

from plait.balancing.solvers import min_norm
from tests.balancing.gramians import jacobians, scales


@given(jacobians(max_tasks=10), scales())
def test_no_row_leads_closer_to_the_origin(jacobian: np.ndarray, scale: float) -> None:
    rows = scale * jacobian
    weights = min_norm(rows @ rows.T)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(), 1, rtol=1e-12)
    d = weights @ rows
    largest = np.linalg.norm(rows, axis=1).max()
    assert (rows @ d >= d @ d - 1e-7 * largest**2).all()


@given(jacobians(min_tasks=2, max_tasks=2))
def test_two_rows_in_closed_form(jacobian: np.ndarray) -> None:
    one, two = jacobian
    gap = two - one
    share = 0.5 if not gap.any() else float(np.clip(gap @ two / (gap @ gap), 0, 1))
    found = min_norm(jacobian @ jacobian.T) @ jacobian
    expected = share * one + (1 - share) * two
    np.testing.assert_allclose(found, expected, atol=1e-7 * np.linalg.norm(jacobian))


def test_nothing_but_zeros_is_shared() -> None:
    assert min_norm(np.zeros((4, 4))).tolist() == [0.25] * 4


def test_rows_opposite_up_to_rounding_cancel() -> None:
    noise = 1e-9
    gramian = np.array([[1.0, noise - 1.0], [noise - 1.0, 1.0]])
    np.testing.assert_allclose(min_norm(gramian), 0.5)
