"""Projection of every gradient on the cone of directions that make no task worse."""

import itertools

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing import UPGrad
from tests.balancing.gramians import jacobians, scales


def weights_of(jacobian: np.ndarray, preference: list[float] | None = None) -> np.ndarray:
    gramian = torch.from_numpy(jacobian @ jacobian.T)
    found: np.ndarray = UPGrad(preference=preference).weights(gramian).numpy()
    return found


def direction_of(jacobian: np.ndarray, preference: list[float] | None = None) -> np.ndarray:
    found: np.ndarray = weights_of(jacobian, preference) @ jacobian
    return found


def onto_cone(jacobian: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """The nearest d with J d >= 0: the best projection on a set of the planes g_i d = 0."""
    best, distance = np.zeros_like(vector), np.inf
    for size in range(len(jacobian) + 1):
        for tight in itertools.combinations(jacobian, size):
            d = vector
            if tight:
                rows = np.array(tight)
                d = vector - np.linalg.pinv(rows, rcond=1e-9) @ (rows @ vector)
            outside = (jacobian @ d) < -1e-9 * np.linalg.norm(jacobian, axis=1)
            if not outside.any() and np.linalg.norm(d - vector) < distance:
                best, distance = d, np.linalg.norm(d - vector)
    return best


def test_two_tasks_by_hand() -> None:
    # g1 = (2, 0), g2 = (-1, 1). On d with J d >= 0: g1 -> (1, 1), g2 -> (0, 1); u = 1/2 each
    jacobian = np.array([[2.0, 0.0], [-1.0, 1.0]])
    weights = weights_of(jacobian)
    np.testing.assert_allclose(weights, [0.75, 1.0], rtol=1e-12)
    np.testing.assert_allclose(weights @ jacobian, [0.5, 1.0], rtol=1e-12)


@given(jacobians(max_tasks=5))
def test_is_the_mean_of_the_projections_of_the_gradients(jacobian: np.ndarray) -> None:
    expected = np.mean([onto_cone(jacobian, row) for row in jacobian], axis=0)
    size = np.linalg.norm(jacobian, axis=1).max()
    np.testing.assert_allclose(direction_of(jacobian), expected, atol=1e-7 * size)


@given(jacobians(max_tasks=8, spread=6), scales())
def test_makes_no_task_worse(jacobian: np.ndarray, scale: float) -> None:
    rows = scale * jacobian
    norms = np.linalg.norm(rows, axis=1)
    assert (rows @ direction_of(rows) >= -1e-7 * norms * norms.max()).all()


@given(jacobians(max_tasks=8, spread=6))
def test_every_gradient_counts_at_least_its_preference(jacobian: np.ndarray) -> None:
    active = np.linalg.norm(jacobian, axis=1) > 0
    assert (weights_of(jacobian)[active] >= 1 / len(jacobian)).all()
    preference = list(np.random.default_rng(0).uniform(0, 3, len(jacobian)))
    assert (weights_of(jacobian, preference) >= np.where(active, preference, 0)).all()


@given(jacobians(), scales())
def test_is_the_mean_if_no_two_tasks_conflict(jacobian: np.ndarray, scale: float) -> None:
    agreeing = scale * np.abs(jacobian)
    active = np.linalg.norm(agreeing, axis=1) > 0
    np.testing.assert_allclose(weights_of(agreeing), active / len(jacobian), rtol=1e-12)


@given(jacobians(), st.integers(0, 2**32 - 1))
def test_is_linear_in_the_scale_of_the_rows(jacobian: np.ndarray, seed: int) -> None:
    one, two = np.random.default_rng(seed).uniform(0.1, 10, (2, len(jacobian), 1))
    whole = direction_of((one + two) * jacobian)
    parts = direction_of(one * jacobian) + direction_of(two * jacobian)
    size = 20 * np.linalg.norm(jacobian, axis=1).max()
    np.testing.assert_allclose(whole, parts, atol=1e-7 * size)


@given(jacobians(), scales())
def test_a_common_factor_changes_no_weight(jacobian: np.ndarray, scale: float) -> None:
    size = np.linalg.norm(jacobian, axis=1).max()
    found = direction_of(scale * jacobian) / scale
    np.testing.assert_allclose(found, direction_of(jacobian), atol=1e-7 * size)


@given(jacobians(max_tasks=8))
def test_is_no_longer_than_the_mean_of_the_lengths(jacobian: np.ndarray) -> None:
    norms = np.linalg.norm(jacobian, axis=1)
    assert np.linalg.norm(direction_of(jacobian)) <= norms.mean() * (1 + 1e-9)


@given(jacobians(max_tasks=5))
def test_equal_tasks_share_and_opposite_tasks_stop(jacobian: np.ndarray) -> None:
    doubled = np.concatenate([jacobian, jacobian])
    size = np.linalg.norm(jacobian, axis=1).max()
    np.testing.assert_allclose(direction_of(doubled), direction_of(jacobian), atol=1e-7 * size)
    opposed = np.concatenate([jacobian[:1], -3 * jacobian[:1]])
    np.testing.assert_allclose(direction_of(opposed), 0, atol=1e-9 * size)


def test_rounding_of_single_precision_is_not_taken_for_a_way_out() -> None:
    """Opposite up to rounding: the exact answer for the rounded numbers has weights of 1e6."""
    rows = torch.randn(2, 1000)
    rows[1] = -0.7 * rows[0] + 1e-7 * torch.randn(1000)
    weights = UPGrad().weights(rows @ rows.T).float()
    assert weights.max() < 10
    assert (weights @ rows).norm() < 1e-4 * rows[0].norm()


def test_a_task_without_preference_is_protected_but_not_followed() -> None:
    jacobian = np.array([[1.0, 0.0], [-1.0, 1.0]])
    np.testing.assert_allclose(direction_of(jacobian, [1.0, 0.0]), [0.5, 0.5], rtol=1e-12)
