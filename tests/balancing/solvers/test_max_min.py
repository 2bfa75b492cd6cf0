"""The best worst gain in a ball: optimality conditions, and two ways that have to agree."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing.solvers import max_min
from tests.balancing.gramians import jacobians
from tests.balancing.solvers.oracles import normalised


class Problem:
    """A ball about the mean of the rows, in unit rows."""

    def __init__(self, jacobian: np.ndarray, radius: float) -> None:
        norms = np.linalg.norm(jacobian, axis=1)
        self.rows = jacobian[norms > 0] / norms[norms > 0, None]
        self.units = norms[norms > 0].min(initial=np.inf) / norms[norms > 0]
        self.centre = jacobian[norms > 0].mean(axis=0) / norms.max()
        self.matrix = normalised(jacobian)
        self.radius = radius * float(np.linalg.norm(self.centre))

    def solve(self) -> tuple[np.ndarray, bool]:
        return max_min(self.matrix, self.units, self.rows @ self.centre, self.radius)

    def gains(self, y: np.ndarray) -> np.ndarray:
        found: np.ndarray = self.rows @ (self.centre + y @ self.rows) / self.units
        return found


def valid(jacobian: np.ndarray) -> bool:
    rows = jacobian[jacobian.any(axis=1)]
    return len(rows) > 0 and bool(np.linalg.norm(rows.mean(axis=0)) > 1e-6)


@given(jacobians(max_tasks=7), st.sampled_from([0.01, 0.4, 0.9, 1.0, 3.0]))
def test_meets_the_optimality_conditions(jacobian: np.ndarray, radius: float) -> None:
    if not valid(jacobian):
        return
    problem = Problem(jacobian, radius)
    y, stationary = problem.solve()
    assert (y >= 0).all()
    least, gains = problem.gains(y).min(), problem.gains(y)
    step = np.linalg.norm(y @ problem.rows)
    size = np.linalg.norm(problem.centre) / problem.units.min()
    np.testing.assert_allclose(gains[y > 0], least, atol=1e-6 * size)
    if stationary:
        assert step <= problem.radius * (1 + 1e-7)
        assert least >= -1e-6 * size
    else:
        np.testing.assert_allclose(step, problem.radius, rtol=1e-7)


@given(st.integers(0, 2**32 - 1), st.integers(2, 12), st.floats(0.05, 3))
def test_pivoting_and_search_agree(seed: int, tasks: int, radius: float) -> None:
    problem = Problem(np.random.default_rng(seed).standard_normal((tasks, 2 * tasks)), radius)
    y, _ = problem.solve()
    module = sys.modules[max_min.__module__]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PIVOTS", 0)
        searched, _ = problem.solve()
    np.testing.assert_allclose(searched @ problem.rows, y @ problem.rows, rtol=0, atol=1e-9)


def test_two_orthogonal_rows_by_hand() -> None:
    # h = (1, 0): the point of the ball of radius r with the largest least coordinate
    eye = np.eye(2)
    far, _ = max_min(eye, np.ones(2), np.array([1.0, 0.0]), 5.0)
    np.testing.assert_allclose(far, [3.0, 4.0], rtol=1e-12)  # d = (4, 4)
    near, _ = max_min(eye, np.ones(2), np.array([1.0, 0.0]), 0.5)
    np.testing.assert_allclose(near, [0.0, 0.5], rtol=1e-12)  # d = (1, 0.5)


def test_rows_around_zero_and_a_ball_that_reaches_zero() -> None:
    opposite = np.array([[1.0, -1.0], [-1.0, 1.0]])
    inner = np.array([0.5, -0.5])
    y, stationary = max_min(opposite, np.ones(2), inner, 2.0)
    assert stationary
    assert y @ np.array([1.0, -1.0]) == pytest.approx(-0.5)  # d = 0
    y, stationary = max_min(opposite, np.ones(2), inner, 0.1)
    assert not stationary
    np.testing.assert_allclose(y, [0.0, 0.1], atol=1e-12)


def test_rows_that_depend_to_the_last_digit_are_no_error() -> None:
    rows = np.random.default_rng(1).standard_normal((5, 2))
    rows[1] = -rows[0]
    problem = Problem(rows * np.array([[1e8], [1.0], [1e-8], [1.0], [1e-4]]), 1.0)
    y, _ = problem.solve()
    assert np.isfinite(y).all()
    assert np.linalg.norm(y @ problem.rows) <= problem.radius * (1 + 1e-9)


@given(st.integers(0, 2**32 - 1), st.integers(2, 12), st.sampled_from([1e-6, 1e-14]))
def test_what_rounding_may_hide_is_counted_as_length(seed: int, tasks: int, noise: float) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((tasks, 3))
    rows[1] = -rows[0] + 1e-9 * rng.standard_normal(3)
    problem = Problem(rows, 0.5)
    inner = problem.rows @ problem.centre
    y, _ = max_min(problem.matrix, problem.units, inner, problem.radius, noise)
    assert y @ problem.matrix @ y + noise * (y @ y) <= problem.radius**2 * (1 + 2e-3)
