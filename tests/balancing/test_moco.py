"""MoCo, against its recursion and the min-norm point that it moves to."""

import numpy as np
import pytest
import torch

from plait.balancing import Info, MoCo
from plait.balancing.solvers import min_norm, project_simplex
from plait.core.errors import ConfigError


def weights_of(balancer: MoCo) -> np.ndarray:
    assert balancer.last_weights is not None
    found: np.ndarray = balancer.last_weights.numpy()
    return found


def test_is_the_recursion() -> None:
    balancer = MoCo(beta=0.4, gamma=0.3, rho=0.2, beta_sigma=0.5, gamma_sigma=1.0)
    rng = np.random.default_rng(0)
    y, w = np.zeros((3, 4)), np.full(3, 1 / 3)
    for k in range(1, 8):
        jacobian = rng.standard_normal((3, 4))
        direction = balancer.combine(torch.from_numpy(jacobian))
        y = y - 0.4 / k**0.5 * (y - jacobian)
        w = project_simplex(w - 0.3 / k * (y @ y.T @ w + 0.2 * w))
        np.testing.assert_allclose(weights_of(balancer), w, rtol=1e-12)
        np.testing.assert_allclose(direction, w @ y, rtol=1e-10, atol=1e-13)


def test_on_constant_gradients_it_moves_to_the_min_norm_point() -> None:
    jacobian = np.array([[2.0, 0.5, 0.0], [-0.5, 1.0, 0.3], [1.0, 1.0, 1.0]])
    balancer = MoCo(rho=0.0)
    for _ in range(1000):
        direction = balancer.combine(torch.from_numpy(jacobian))
    expected = min_norm(jacobian @ jacobian.T)
    np.testing.assert_allclose(weights_of(balancer), expected, atol=1e-6)
    np.testing.assert_allclose(direction, expected @ jacobian, atol=1e-6)


@pytest.mark.parametrize("rho", [0.5, 100.0])
def test_rho_pulls_the_weights_together(rho: float) -> None:
    """They move to the minimum of w (G + rho) w."""
    gramian = np.diag([4.0, 1.0])
    balancer = MoCo(rho=rho, gamma=0.5 / (4 + rho), beta=1.0)
    for _ in range(100):
        balancer.combine(torch.from_numpy(np.sqrt(gramian)))
    expected = min_norm(gramian + rho * np.eye(2))
    np.testing.assert_allclose(weights_of(balancer), expected, atol=1e-6)


def test_the_weights_are_those_of_the_tasks_present() -> None:
    balancer, tasks = MoCo(), ("a", "b", "c")
    for present in (tasks, ("a", "c"), ("b",), tasks):
        balancer.combine(torch.randn(len(present), 5), Info(present))
        weights = weights_of(balancer)
        assert len(weights) == len(present)
        assert (weights >= 0).all()
        np.testing.assert_allclose(weights.sum(), 1)


def test_the_other_variant_scales_rows_to_their_losses() -> None:
    jacobian = torch.tensor([[3.0, 4.0], [0.0, 0.0]], dtype=torch.float64)
    info = Info(("a", "b"), losses=torch.tensor([2.0, 1.0]))
    balancer = MoCo(variant="libmtl", beta=1.0, gamma=1.0, rho=0.0)
    direction = balancer.combine(jacobian, info)
    # y = (1.2, 1.6) and 0, y y^T w = (2, 0); softmax(0.5 - 2, 0.5)
    expected = 1 / (1 + np.exp(2))
    np.testing.assert_allclose(weights_of(balancer), [expected, 1 - expected], rtol=1e-12)
    np.testing.assert_allclose(direction, [1.2 * expected, 1.6 * expected], rtol=1e-12)
    with pytest.raises(ConfigError, match="reads the losses"):
        MoCo(variant="libmtl").combine(jacobian)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("beta", 0.0), ("beta", 1.5), ("gamma", 0.0), ("rho", -1.0)),
        *(("beta_sigma", -1.0), ("gamma_sigma", -1.0), ("variant", "paper2")),
    ],
)
def test_options_outside_their_range_are_refused(option: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"`{option}` must .*; found "):
        MoCo(**{option: value})  # type: ignore[arg-type]
