"""Block pivoting against one variable at a time, for one target and for many."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing.solvers import active_set, nnls
from tests.balancing.gramians import jacobians
from tests.balancing.solvers.oracles import best_of_all_sets, normalised, objective


def targets_of(matrix: np.ndarray, seed: int, rows: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, len(matrix))) @ matrix


@given(jacobians(max_tasks=6), st.integers(0, 2**32 - 1))
def test_is_the_best_of_all_active_sets(jacobian: np.ndarray, seed: int) -> None:
    matrix = normalised(jacobian)
    for target in targets_of(matrix, seed, 2):
        x = nnls(matrix, target)
        assert (x >= 0).all()
        assert objective(matrix, target, x) <= best_of_all_sets(matrix, target) + 1e-9


@pytest.mark.parametrize("size", [1, 5, 12, 13, 40])
def test_many_targets_are_solved_as_one_by_one(size: int) -> None:
    rows = np.random.default_rng(size).standard_normal((size, 2 * size))
    matrix = normalised(rows)
    targets = np.concatenate([-matrix, targets_of(matrix, 0, 5), np.zeros((1, size))])
    found = nnls(matrix, targets)
    assert found.shape == targets.shape
    for x, target in zip(found, targets, strict=True):
        np.testing.assert_allclose(x, nnls(matrix, target), atol=1e-12)
        np.testing.assert_allclose(x, active_set(matrix, target), atol=1e-12)


@given(jacobians(max_tasks=9), st.integers(0, 2**32 - 1), st.floats(-12, 12))
def test_meets_the_optimality_conditions(jacobian: np.ndarray, seed: int, exponent: float) -> None:
    matrix = normalised(jacobian)
    scale = 10.0**exponent
    targets = scale * targets_of(matrix, seed, 3)
    x = nnls(matrix, targets)
    gradient = x @ matrix - targets
    size = scale * np.maximum(1.0, x.max(axis=1, initial=0) / scale)
    assert (x >= 0).all()
    assert (gradient >= -1e-7 * size[:, None]).all()
    assert (np.abs((gradient * x).sum(axis=1)) <= 1e-7 * size * x.sum(axis=1)).all()


@given(st.integers(0, 2**32 - 1))
def test_the_answer_does_not_depend_on_the_first_guess(seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = normalised(rng.standard_normal((6, 9)))
    (target,) = targets_of(matrix, seed, 1)
    found = nnls(matrix, target, start=rng.random(6) < 0.5)
    np.testing.assert_allclose(found, nnls(matrix, target), atol=1e-12)


def test_a_pivoting_that_does_not_end_is_finished_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = sys.modules[nnls.__module__]
    matrix = normalised(np.random.default_rng(0).standard_normal((20, 25)))
    expected = nnls(matrix, -matrix)
    monkeypatch.setattr(module, "ROUNDS", 1)
    np.testing.assert_allclose(nnls(matrix, -matrix), expected, atol=1e-12)


def test_by_hand() -> None:
    # x = (1, -1) without the bound; with it, (0.5, 0)
    assert nnls(np.array([[1.0, 0.5], [0.5, 1.0]]), np.array([0.5, -0.5])).tolist() == [0.5, 0.0]
    assert nnls(np.eye(2), np.array([[1.0, -2.0], [-1.0, 3.0]])).tolist() == [[1, 0], [0, 3]]


def test_nothing_to_gain_stays_at_zero() -> None:
    assert nnls(np.eye(2), np.zeros(2)).tolist() == [0.0, 0.0]
    assert nnls(np.eye(2), -np.ones(2)).tolist() == [0.0, 0.0]
    assert nnls(np.empty((0, 0)), np.empty(0)).tolist() == []


def test_columns_dependent_up_to_the_rounding_of_the_matrix_are_not_both_free() -> None:
    noise = 1e-7
    matrix = np.array([[1.0, noise - 1.0], [noise - 1.0, 1.0]])
    np.testing.assert_allclose(nnls(matrix, np.ones(2)), 1 / noise, rtol=1e-6)
    assert nnls(matrix, np.ones(2), rounding=4 * noise).tolist() == [1.0, 0.0]


def test_the_arguments_are_left_as_they_were() -> None:
    matrix = normalised(np.random.default_rng(0).standard_normal((15, 20)))
    targets, start = -matrix[:3], np.ones(15, dtype=bool)
    before = matrix.copy()
    nnls(matrix, targets, start=start)
    assert np.array_equal(matrix, before)
    assert np.array_equal(targets, -before[:3])
    assert start.all()
