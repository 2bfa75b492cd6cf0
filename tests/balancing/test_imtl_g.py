"""Equal progress along every gradient."""

import numpy as np
import pytest
import torch
from hypothesis import given

from plait.balancing import IMTLG
from tests.balancing.gramians import jacobians, scales
from tests.balancing.invariants import (
    check_permutation,
    check_rotation,
    check_row_factors,
    check_scale,
    close,
    independent,
)


def weights_of(jacobian: np.ndarray, strict: bool = False) -> np.ndarray:
    gramian = torch.from_numpy(jacobian @ jacobian.T)
    found: np.ndarray = IMTLG(strict=strict).weights(gramian).numpy()
    return found


def negative() -> np.ndarray:
    """Three gradients for which the paper's direction makes every task worse.

    The short one lies nearly between the two others, so that it enters with a negative weight; the
    sum of the weights, which is made 1, has its sign.
    """
    rows = np.array([[1.0, 0.0, 0.3], [-1.0, 0.0, 0.3], [0.0, 0.0, 1.0]])
    rows[2] = 0.02 * (rows[0] + rows[1] + np.array([0.0, 0.2, 0.0]))
    return rows


def test_two_tasks_by_hand() -> None:
    # u_1 = (1, 0), u_2 = (-0.6, 0.8): C y = 1 gives y = (2.5, 2.5); lengths 2 and 1
    jacobian = np.array([[2.0, 0.0], [-0.6, 0.8]])
    weights = weights_of(jacobian)
    np.testing.assert_allclose(weights, [1 / 3, 2 / 3], rtol=1e-12)
    np.testing.assert_allclose(weights @ jacobian, [0.8 / 3, 1.6 / 3], rtol=1e-12)


@given(independent())
def test_projections_are_equal_and_weights_add_up_to_one(jacobian: np.ndarray) -> None:
    units = jacobian / np.linalg.norm(jacobian, axis=1, keepdims=True)
    for strict in (True, False):
        weights = weights_of(jacobian, strict)
        projections = units @ (weights @ jacobian)
        np.testing.assert_allclose(projections, projections[0], rtol=1e-6)
        if strict:
            assert weights.sum() == pytest.approx(1)
        else:
            assert abs(weights.sum()) == pytest.approx(1)
            assert projections[0] > 0


def test_a_negative_projection_is_turned_round_unless_strict() -> None:
    jacobian = negative()
    paper, ours = weights_of(jacobian, strict=True), weights_of(jacobian)
    assert (jacobian @ (paper @ jacobian) < 0).all()
    assert (jacobian @ (ours @ jacobian) > 0).all()
    np.testing.assert_allclose(ours, -paper, rtol=1e-12)
    for strict in (True, False):
        balancer = IMTLG(strict=strict)
        balancer.weights(torch.from_numpy(jacobian @ jacobian.T))
        assert balancer.flag == "negative common projection"
        balancer.weights(torch.eye(3))
        assert balancer.flag is None


@given(independent(max_tasks=4))
def test_equal_tasks_share_their_weight(jacobian: np.ndarray) -> None:
    doubled = np.concatenate([jacobian, jacobian[:1]])
    # y is shared, so the sum counts the doubled task once
    close(weights_of(doubled) @ doubled, weights_of(jacobian) @ jacobian, 1e-6)


@given(independent(min_tasks=2, max_tasks=4))
def test_opposite_tasks_stop(jacobian: np.ndarray) -> None:
    jacobian[1] = -2 * jacobian[0]
    balancer = IMTLG()
    assert not balancer.weights(torch.from_numpy(jacobian @ jacobian.T)).any()
    assert balancer.flag == "no direction with equal projections"


@given(jacobians(max_tasks=6, spread=4))
def test_awkward_gradients_have_equal_projections_or_stop(jacobian: np.ndarray) -> None:
    norms = np.linalg.norm(jacobian, axis=1)
    weights = weights_of(jacobian)
    assert np.isfinite(weights).all()
    active = norms > 0
    projections = (jacobian @ (weights @ jacobian))[active] / norms[active]
    spread = np.ptp(projections) if active.any() else 0.0
    assert spread <= 1e-5 * np.abs(weights * norms).sum()


@given(independent(), scales())
def test_does_not_depend_on_order_axes_or_a_common_factor(
    jacobian: np.ndarray, scale: float
) -> None:
    check_permutation(weights_of, jacobian)
    check_rotation(weights_of, jacobian)
    check_scale(weights_of, jacobian, scale)


@given(independent())
def test_the_scale_of_one_loss_changes_the_length_only(jacobian: np.ndarray) -> None:
    check_row_factors(weights_of, jacobian)


def test_rounding_of_single_precision_is_not_solved_for() -> None:
    """Opposite up to rounding: the exact answer for the rounded numbers is huge."""
    rows = torch.randn(2, 1000)
    rows[1] = -rows[0] + 1e-8 * torch.randn(1000)
    assert not IMTLG().weights(rows @ rows.T).any()
