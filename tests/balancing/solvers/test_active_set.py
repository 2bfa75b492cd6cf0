"""One variable at a time, against every set of free variables, and the optimality conditions."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing.solvers import active_set
from tests.balancing.gramians import jacobians
from tests.balancing.solvers.oracles import best_of_all_sets, normalised, objective


@given(jacobians(max_tasks=6), st.integers(0, 2**32 - 1))
def test_is_the_best_of_all_active_sets(jacobian: np.ndarray, seed: int) -> None:
    matrix = normalised(jacobian)
    target = matrix @ np.random.default_rng(seed).standard_normal(len(matrix))
    x = active_set(matrix, target)
    assert (x >= 0).all()
    assert objective(matrix, target, x) <= best_of_all_sets(matrix, target) + 1e-9


@given(jacobians(max_tasks=12), st.integers(0, 2**32 - 1), st.floats(-12, 12))
def test_meets_the_optimality_conditions(jacobian: np.ndarray, seed: int, exponent: float) -> None:
    matrix = normalised(jacobian)
    scale = 10.0**exponent
    target = scale * matrix @ np.random.default_rng(seed).standard_normal(len(matrix))
    x = active_set(matrix, target)
    gradient = matrix @ x - target
    size = scale * max(1.0, x.max(initial=0) / scale)
    assert (x >= 0).all()
    assert (gradient >= -1e-7 * size).all()
    assert abs(gradient @ x) <= 1e-7 * size * x.sum()


def test_by_hand() -> None:
    # x = (1, -1) without the bound; with it, (0.5, 0)
    assert active_set(np.array([[1.0, 0.5], [0.5, 1.0]]), np.array([0.5, -0.5])).tolist() == [
        0.5,
        0.0,
    ]
    assert active_set(np.eye(3), np.array([1.0, -2.0, 3.0])).tolist() == [1.0, 0.0, 3.0]


def test_equal_columns_share_what_one_of_them_takes() -> None:
    x = active_set(np.ones((3, 3)), np.ones(3))
    assert x.sum() == 1.0


def test_nothing_to_gain_stays_at_zero() -> None:
    assert active_set(np.eye(2), np.zeros(2)).tolist() == [0.0, 0.0]
    assert active_set(np.eye(2), -np.ones(2)).tolist() == [0.0, 0.0]
    assert active_set(np.empty((0, 0)), np.empty(0)).tolist() == []


def test_a_step_of_length_zero_does_not_end_the_search() -> None:
    """A free variable at 0, to rounding, blocks the one that enters; it has to make way for it."""
    rows = [
        *([1, -2, 2, 2], [-2, 0, -2, 0], [1, 1, 0, 0]),
        *([1, 2, -2, -1], [-2, 0, -2, -2], [0, -1, 0, 1]),
    ]
    matrix = normalised(np.array(rows, dtype=float))
    target = -matrix[2]
    x = active_set(matrix, target)
    assert (matrix @ x - target >= -1e-12).all()
    assert objective(matrix, target, x) <= best_of_all_sets(matrix, target) + 1e-12


def test_columns_dependent_up_to_the_rounding_of_the_matrix_are_not_both_free() -> None:
    noise = 1e-7
    matrix = np.array([[1.0, noise - 1.0], [noise - 1.0, 1.0]])
    np.testing.assert_allclose(active_set(matrix, np.ones(2)), 1 / noise, rtol=1e-6)
    assert active_set(matrix, np.ones(2), rounding=4 * noise).tolist() == [1.0, 0.0]
