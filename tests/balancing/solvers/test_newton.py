"""Newton's method for G w = p w^-beta: the equations themselves are the oracle."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing.solvers import newton
from tests.balancing.gramians import jacobians
from tests.balancing.solvers.oracles import normalised

powers = st.sampled_from([0.15, 0.5, 1.0, 2.0, 5.0])


def shortest(matrix: np.ndarray) -> float:
    """A lower bound of the length of the shortest vector in the hull of rows of length 1.

    Any direction that gains t on every row shows that the hull is t away from 0.
    """
    direction = np.ones(len(matrix)) / len(matrix)
    for step in range(300):  # Frank-Wolfe
        gains = matrix @ direction
        direction = direction + (np.eye(len(matrix))[gains.argmin()] - direction) * 2 / (step + 2)
    square = direction @ matrix @ direction
    return float((matrix @ direction).min() / np.sqrt(max(square, 1e-300)))


@given(jacobians(max_tasks=7), powers, st.integers(0, 2**32 - 1))
def test_solves_the_equations(jacobian: np.ndarray, power: float, seed: int) -> None:
    matrix = normalised(jacobian)
    preference = 10 ** np.random.default_rng(seed).uniform(-2, 2, len(matrix))
    if len(matrix) == 0:
        return
    w, ended = newton(matrix, preference, power)
    if w is None:
        assert shortest(matrix) < 1e-3  # 0 is in the hull
    elif shortest(matrix) > 1e-3:
        assert ended
        assert (w > 0).all()
        np.testing.assert_allclose(matrix @ w, preference * w**-power, rtol=1e-9)


def test_weights_of_very_different_size_are_all_exact() -> None:
    rows = np.array([[-0.652, -0.175, 1.664], [0.659, -1.641, -0.005]])
    rows = np.vstack([rows, [[-0.623, 0.149, -1.608], [0.242, 0.235, 1.576]]])
    matrix = normalised(rows)
    preference = 10 ** np.random.default_rng(3).uniform(-2, 2, 4)
    w, ended = newton(matrix, preference, 0.15)
    assert w is not None
    assert ended
    assert w.max() / w.min() > 1e20
    np.testing.assert_allclose(matrix @ w, preference * w**-0.15, rtol=1e-11)


@pytest.mark.parametrize("power", [0.1, 0.5, 1.0, 3.0, 10.0])
@pytest.mark.parametrize("tasks", [1, 2, 10, 40])
def test_ends_on_ordinary_matrices(tasks: int, power: float) -> None:
    rows = np.random.default_rng(tasks).standard_normal((tasks, 2 * tasks))
    matrix = normalised(rows)
    w, ended = newton(matrix, np.ones(tasks), power)
    assert w is not None
    assert ended
    np.testing.assert_allclose(matrix @ w * w**power, 1, rtol=1e-12)


@pytest.mark.parametrize("distance", [1e-1, 1e-3, 1e-5, 1e-7])
def test_nearly_opposite_rows_have_large_weights(distance: float) -> None:
    # By symmetry w_1 = w_2 = w with (1 - cos) w = 1 / w
    matrix = np.array([[1.0, distance**2 - 1], [distance**2 - 1, 1.0]])
    w, _ = newton(matrix, np.ones(2), 1.0)
    assert w is not None
    np.testing.assert_allclose(w, 1 / distance, rtol=1e-2 if distance < 1e-6 else 1e-5)


@pytest.mark.parametrize("power", [0.1, 1.0, 2.0, 10.0])
def test_there_is_no_solution_where_the_rows_cancel(power: float) -> None:
    opposite = np.array([[1.0, -1.0], [-1.0, 1.0]])
    assert newton(opposite, np.array([1.0, 3.0]), power)[0] is None
    angles = 2 * np.pi / 3 * np.arange(3)
    star = np.cos(angles[:, None] - angles)
    assert newton(star, np.ones(3), power)[0] is None
    beside = np.eye(4)
    beside[:3, :3] = star
    assert newton(beside, np.ones(4), power)[0] is None


def test_what_cancels_up_to_the_rounding_of_the_matrix_has_no_solution() -> None:
    matrix = np.array([[1.0, 1e-8 - 1], [1e-8 - 1, 1.0]])
    assert newton(matrix, np.ones(2), 1.0)[0] is not None
    assert newton(matrix, np.ones(2), 1.0, rounding=1e-7)[0] is None


def test_by_hand() -> None:
    w, _ = newton(np.eye(3), np.array([4.0, 1.0, 0.25]), 1.0)
    assert w is not None
    np.testing.assert_allclose(w, [2.0, 1.0, 0.5], rtol=1e-14)
    w, _ = newton(np.eye(2), np.array([8.0, 1.0]), 0.5)
    assert w is not None
    np.testing.assert_allclose(w, [4.0, 1.0], rtol=1e-14)
    w, _ = newton(np.ones((2, 2)), np.ones(2), 1.0)
    assert w is not None
    np.testing.assert_allclose(w, 0.5**0.5, rtol=1e-14)


def test_a_search_that_does_not_end_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = normalised(np.random.default_rng(0).standard_normal((5, 9)))
    assert newton(matrix, np.ones(5), 1.0)[1]
    monkeypatch.setattr(sys.modules[newton.__module__], "STEPS", 2)
    assert not newton(matrix, np.ones(5), 1.0)[1]


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("tasks", [4, 8, 12, 20])
def test_rows_that_nearly_cancel_get_an_answer_that_is_bounded_and_says_so(
    tasks: int, power: float
) -> None:
    """Two bundles of nearly opposite rows in few columns: the exact w is lost in rounding of M."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        signs = np.where(np.arange(tasks) % 2, 1.0, -1.0)[:, None]
        rows = signs * rng.standard_normal(5) + 1e-4 * rng.standard_normal((tasks, 5))
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        w, met = newton(rows @ rows.T, np.ones(tasks), power)
        if w is None:
            continue
        assert (w > 0).all()
        gains = rows @ (w @ rows)
        if met:
            np.testing.assert_allclose(gains * w**power, 1, rtol=0.11)
        else:  # nobody loses, up to what rounding hides
            assert gains.min() >= -1e-11 * w.max()
