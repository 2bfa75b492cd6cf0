"""The best worst gain near the mean gradient."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing import MGDA, CAGrad
from plait.core.errors import ConfigError
from tests.balancing.gramians import jacobians

radii = st.sampled_from([0.1, 0.4, 0.9, 2.0])


def weights_of(jacobian: np.ndarray, **options: Any) -> np.ndarray:
    gramian = torch.from_numpy(jacobian @ jacobian.T)
    found: np.ndarray = CAGrad(**{"rescale": 0, **options}).weights(gramian).numpy()
    return found


def has_a_mean(jacobian: np.ndarray) -> bool:
    size = np.linalg.norm(jacobian, axis=1).max()
    return bool(np.linalg.norm(jacobian.mean(axis=0)) > 1e-6 * size)


def test_two_tasks_by_hand() -> None:
    # g_0 = (1/2, 1/2); the direction that both gain from alike is along it: g_w = g_0
    weights = weights_of(np.eye(2), c=0.5)
    np.testing.assert_allclose(weights, [0.75, 0.75], rtol=1e-14)
    # g_0 = (2, 1/2), c |g_0| = 1/2 x sqrt(17)/2: the second task counts alone
    jacobian = np.array([[4.0, 0.0], [0.0, 1.0]])
    weights = weights_of(jacobian, c=0.5)
    np.testing.assert_allclose(weights, [0.5, 0.5 + 17**0.5 / 4], rtol=1e-14)


@given(jacobians(max_tasks=7), radii)
def test_no_direction_in_the_ball_gains_more_than_the_dual_bound_which_it_reaches(
    jacobian: np.ndarray, c: float
) -> None:
    rows = jacobian[jacobian.any(axis=1)]
    if not len(rows) or not has_a_mean(rows):
        return
    balancer = CAGrad(c=c, rescale=0)
    weights = balancer.weights(torch.from_numpy(rows @ rows.T)).numpy()
    g_0, d, dual = rows.mean(axis=0), weights @ rows, weights - 1 / len(rows)
    radius = c * np.linalg.norm(g_0)
    assert (dual >= -1e-12).all()
    bound = 0.0  # at a Pareto-stationary point no direction has gains above 0
    if balancer.flag is None:
        g_w = dual @ rows / dual.sum()
        bound = g_w @ g_0 + radius * np.linalg.norm(g_w)
    size = np.linalg.norm(rows, axis=1).max() ** 2
    assert np.linalg.norm(d - g_0) <= radius * (1 + 1e-7)
    np.testing.assert_allclose((rows @ d).min(), bound, atol=1e-6 * size)


def near_opposite(rng: np.random.Generator, tasks: int, columns: int) -> np.ndarray:
    """Rows of which one is opposite to another, exactly or up to a small share."""
    rows = rng.standard_normal((tasks, columns))
    rows[1] = rng.choice([0.0, 1e-9, 1e-5]) * rng.standard_normal(columns) - rows[0]
    return rows


def rescaled(rng: np.random.Generator, tasks: int, columns: int) -> np.ndarray:
    rows: np.ndarray = near_opposite(rng, tasks, columns)
    return rows * 10.0 ** rng.uniform(-4, 4, (tasks, 1))


def bundles(rng: np.random.Generator, tasks: int, columns: int) -> np.ndarray:
    """Two groups of nearly equal rows, which nearly cancel."""
    signs = np.where(np.arange(tasks) % 2, 1.0, -1.0)[:, None]
    return signs * rng.standard_normal(columns) + 1e-4 * rng.standard_normal((tasks, columns))


def dependent(rng: np.random.Generator, tasks: int, columns: int) -> np.ndarray:
    rows = rng.standard_normal((tasks, columns))
    rows[-1] = -rows[:-1].sum(axis=0) * (1 + 1e-4)
    return rows


@pytest.mark.parametrize("family", [near_opposite, rescaled, bundles, dependent])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@given(seed=st.integers(0, 2**32 - 1), tasks=st.integers(2, 20), c=st.sampled_from([0.4, 1.0, 2.0]))
def test_rounding_does_not_lead_out_of_the_ball(
    family: Any, dtype: torch.dtype, seed: int, tasks: int, c: float
) -> None:
    rng = np.random.default_rng(seed)
    rows = torch.from_numpy(family(rng, tasks, int(rng.integers(1, 30)))).to(dtype)
    balancer = CAGrad(c=c, rescale=0)
    weights = balancer.weights(rows @ rows.T)
    if balancer.flag == "the mean gradient is zero":
        return
    d, mean = (weights.to(dtype) @ rows).double(), rows.double().mean(dim=0)
    noise = tasks * torch.finfo(dtype).eps * float(rows.double().norm(dim=1).max())
    assert (d - mean).norm() <= c * mean.norm() * (1 + 1e-3) + noise
    lengths = rows.double().norm(dim=1)
    if c >= 1:  # the ball holds a direction that makes nobody worse; rounding hides a part of |g_0|
        hidden = (tasks * torch.finfo(dtype).eps) ** 0.5 * float(lengths.mean())
        worst = float((rows.double() @ d / lengths).min())
        assert worst >= -1e-3 * float(mean.norm()) - hidden


@given(jacobians(max_tasks=6))
def test_without_radius_it_is_the_mean(jacobian: np.ndarray) -> None:
    weights = weights_of(jacobian, c=0.0)
    np.testing.assert_allclose(weights, jacobian.any(axis=1) / len(jacobian), rtol=1e-14)


def test_with_a_large_radius_it_is_the_direction_of_mgda() -> None:
    jacobian = np.random.default_rng(0).standard_normal((4, 6))
    mgda = MGDA().weights(torch.from_numpy(jacobian @ jacobian.T)).numpy() @ jacobian
    found = weights_of(jacobian, c=1e5) @ jacobian
    cosine = found @ mgda / np.linalg.norm(found) / np.linalg.norm(mgda)
    assert cosine == pytest.approx(1, abs=1e-8)


@pytest.mark.parametrize(("rescale", "divisor"), [(1, 1.25), (2, 1.5)])
def test_rescaling_divides(rescale: int, divisor: float) -> None:
    jacobian = np.random.default_rng(0).standard_normal((4, 6))
    whole = weights_of(jacobian, c=0.5)
    np.testing.assert_allclose(weights_of(jacobian, c=0.5, rescale=rescale), whole / divisor)


def test_the_mean_counts_the_tasks_without_gradient() -> None:
    jacobian = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    # g_0 = (1, 1) / 3; both gain alike along it
    np.testing.assert_allclose(weights_of(jacobian, c=0.5), [0.5, 0.0, 0.5], rtol=1e-12)


def test_opposite_gradients_go_on_along_their_mean() -> None:
    jacobian = np.array([[1.0], [-3.0]])
    np.testing.assert_allclose(weights_of(jacobian, c=0.4) @ jacobian, [-0.6], rtol=1e-12)
    balancer = CAGrad(c=2.0)
    weights = balancer.weights(torch.from_numpy(jacobian @ jacobian.T)).numpy()
    np.testing.assert_allclose(weights @ jacobian, 0, atol=1e-12)
    assert balancer.flag == "Pareto-stationary"


def test_a_mean_of_zero_stays_zero() -> None:
    jacobian = np.array([[1.0, 2.0], [-1.0, -2.0]])
    balancer = CAGrad()
    weights = balancer.weights(torch.from_numpy(jacobian @ jacobian.T)).numpy()
    np.testing.assert_allclose(weights @ jacobian, 0, atol=1e-15)
    assert balancer.flag == "the mean gradient is zero"


@pytest.mark.parametrize("c", [-0.1, float("nan"), float("inf")])
def test_a_radius_must_not_be_negative(c: float) -> None:
    with pytest.raises(ConfigError, match="`c` must not be negative or infinite; found"):
        CAGrad(c=c)


def test_an_unknown_rescaling_is_refused() -> None:
    with pytest.raises(ConfigError, match="`rescale` must be 0, 1 or 2; found 3"):
        CAGrad(rescale=3)
