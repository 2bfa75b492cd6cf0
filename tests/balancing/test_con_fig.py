"""A direction with chosen cosines to the gradients."""

import numpy as np
import pytest
import torch
from hypothesis import given

import plait
from plait.balancing import IMTLG, ConFIG, Info
from plait.core.errors import ConfigError, ShapeError
from tests.balancing.gramians import jacobians, scales
from tests.balancing.invariants import (
    check_permutation,
    check_rotation,
    check_row_factors,
    check_scale,
    close,
    independent,
)


def weights_of(jacobian: np.ndarray, preference: list[float] | None = None) -> np.ndarray:
    gramian = torch.from_numpy(jacobian @ jacobian.T)
    found: np.ndarray = ConFIG(preference=preference).weights(gramian).numpy()
    return found


def by_definition(jacobian: np.ndarray, preference: np.ndarray) -> np.ndarray:
    """On the rows, by the pseudo-inverse."""
    rows = jacobian[jacobian.any(axis=1)]
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    x = np.linalg.pinv(units, rcond=1e-6) @ preference[jacobian.any(axis=1)]
    if np.linalg.norm(x) < 1e-6:
        return np.zeros_like(x)
    u = x / np.linalg.norm(x)
    vector: np.ndarray = (rows @ u).sum() * u
    return vector


@given(jacobians(max_tasks=5, spread=2))
def test_the_gramian_form_is_the_definition(jacobian: np.ndarray) -> None:
    norms = np.linalg.norm(jacobian, axis=1)
    if not norms.any():
        return
    units = jacobian[norms > 0] / norms[norms > 0, None]
    values = np.linalg.svd(units, compute_uv=False)
    if ((values > 1e-9) & (values < 1e-3)).any():
        return  # neither dependent nor independent
    preference = np.random.default_rng(0).uniform(0.5, 2, len(jacobian))
    found = weights_of(jacobian, list(preference)) @ jacobian
    expected = by_definition(jacobian, preference)
    np.testing.assert_allclose(found, expected, atol=1e-6 * norms.max())


@given(independent())
def test_cosines_are_in_the_ratio_of_the_preference(jacobian: np.ndarray) -> None:
    preference = np.random.default_rng(1).uniform(0.1, 10, len(jacobian))
    vector = weights_of(jacobian, list(preference)) @ jacobian
    lengths = np.linalg.norm(jacobian, axis=1)
    cosines = jacobian @ vector / lengths / np.linalg.norm(vector)
    assert (cosines > 0).all()
    np.testing.assert_allclose(cosines / cosines[0], preference / preference[0], rtol=1e-6)
    # as long as the sum of the projections on it
    assert np.linalg.norm(vector) == pytest.approx((lengths * cosines).sum())


@given(independent())
def test_equal_preferences_give_the_direction_of_imtl_g(jacobian: np.ndarray) -> None:
    one = weights_of(jacobian) @ jacobian
    two = IMTLG().weights(torch.from_numpy(jacobian @ jacobian.T)).numpy() @ jacobian
    close(one / np.linalg.norm(one), two / np.linalg.norm(two))


def test_two_tasks_by_hand() -> None:
    # u_1 = (1, 0), u_2 = (0, 1): x = p = (1, 2); projections of (2, 0), (0, 1): (2 + 2)/sqrt(5)
    weights = weights_of(np.diag([2.0, 1.0]), [1.0, 2.0])
    np.testing.assert_allclose(weights * [2, 1], np.array([1.0, 2.0]) * 4 / 5, rtol=1e-12)


def test_degenerate_gradients() -> None:
    row = np.array([1.0, 2.0, -1.0])
    balancer = ConFIG()
    opposite = np.stack([row, -3 * row])
    assert not balancer.weights(torch.from_numpy(opposite @ opposite.T)).any()
    assert balancer.flag == "no direction with such cosines"
    equal = np.stack([row] * 3)
    np.testing.assert_allclose(weights_of(equal) @ equal, 3 * row, rtol=1e-12)
    zero = np.stack([row, 0 * row])
    np.testing.assert_allclose(weights_of(zero), [1.0, 0.0], rtol=1e-12)


def test_a_direction_that_is_turned_round_is_flagged() -> None:
    """Two short gradients outvote a long opposite one in x, but not in the projections."""
    jacobian = np.array([[1.0], [1.0], [-10.0]])
    balancer = ConFIG()
    weights = balancer.weights(torch.from_numpy(jacobian @ jacobian.T)).numpy()
    # x = 1/3, u = 1, and the projections add up to -8
    np.testing.assert_allclose(weights @ jacobian, [-8.0], rtol=1e-12)
    assert balancer.flag == "negative sum of projections"
    balancer.weights(torch.eye(3))
    assert balancer.flag is None


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


def test_the_preference_follows_the_names_of_the_tasks() -> None:
    balancer = ConFIG(preference=[1.0, 2.0, 4.0])
    balancer.setup(("a", "b", "c"))
    weights = balancer.weights(torch.eye(2), Info(("c", "a")))
    assert (weights[0] / weights[1]).item() == pytest.approx(4.0)


def test_bad_preferences_are_refused() -> None:
    with pytest.raises(ConfigError, match="`preference` must be positive, and finite; found"):
        ConFIG(preference=[1.0, 0.0])
    with pytest.raises(ShapeError, match="for each of the 3 tasks; found 2"):
        ConFIG(preference=[1.0, 2.0]).setup(["a", "b", "c"])


@pytest.mark.parametrize("distance", [0.1, 0.01, 0.001, 0.0])
@pytest.mark.parametrize("tasks", [2, 3, 5, 8])
def test_single_precision_keeps_its_digits_where_rows_nearly_depend(
    tasks: int, distance: float
) -> None:
    """The oracle is the pseudo-inverse in float64 of what the float32 rows hold."""
    draw = torch.Generator().manual_seed(tasks)
    rows = torch.randn(tasks, 30, generator=draw)
    rows[-1] = rows[:-1].sum(dim=0) + distance * torch.randn(30, generator=draw)
    theta = torch.zeros(30, requires_grad=True)
    losses = {f"task {number}": row @ theta for number, row in enumerate(rows)}
    plait.backward(losses, ConFIG(), scale="paper", shared=[theta])
    units = rows.double() / rows.double().norm(dim=1, keepdim=True)
    x = torch.linalg.pinv(units, rtol=1e-6).sum(dim=1)
    x = x / x.norm()
    expected = (rows.double() @ x).sum() * x
    error = (theta.grad.double() - expected).norm() / expected.norm()  # type: ignore[union-attr]
    conditioning = 1 / distance if distance else 1.0  # what float32 weights can do
    assert error <= 1e-6 * conditioning
