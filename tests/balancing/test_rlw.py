"""Random weights."""

import numpy as np
import pytest
import torch

from plait.balancing import RLW, Info
from plait.core.errors import ConfigError
from tests.balancing.losses import by_hand

DISTRIBUTIONS = ("normal", "uniform", "dirichlet", "bernoulli")
every_distribution = pytest.mark.parametrize("distribution", DISTRIBUTIONS)


@every_distribution
def test_each_weight_has_the_mean_of_equal_weights(distribution: str) -> None:
    balancer = RLW(distribution=distribution)
    draws = [balancer.weights_of(balancer.sample(4)) for _ in range(4000)]
    weights = torch.stack(draws).numpy()
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-12)
    assert (weights >= 0).all()
    error = weights.std(axis=0) / np.sqrt(len(weights))
    assert (np.abs(weights.mean(axis=0) - 0.25) < 5 * error).all()
    assert (weights.std(axis=0) > 0.01).all()


@pytest.mark.parametrize(
    ("distribution", "mean", "variance"),
    [
        ("normal", 0.0, 1.0),
        ("uniform", 1 / 2, 1 / 12),
        ("dirichlet", 1.0, 1.0),
        ("bernoulli", 1 / 2, 1 / 4),  # of many tasks: none is drawn again
    ],
)
def test_draws_are_of_the_distribution(distribution: str, mean: float, variance: float) -> None:
    draw = RLW(distribution=distribution).sample(40_000).numpy()
    assert draw.mean() == pytest.approx(mean, abs=0.03)
    assert draw.var() == pytest.approx(variance, rel=0.05)


def test_a_draw_of_zeros_alone_is_drawn_again() -> None:
    balancer = RLW(distribution="bernoulli")
    draws = torch.stack([balancer.sample(2) for _ in range(300)])
    assert {tuple(draw) for draw in draws.tolist()} == {(0.0, 1.0), (1.0, 0.0), (1.0, 1.0)}
    assert balancer.sample(1).tolist() == [1.0]


@every_distribution
def test_every_step_has_the_weights_of_a_draw_of_its_own(distribution: str) -> None:
    balancer, twin = RLW(distribution=distribution, seed=3), RLW(distribution=distribution, seed=3)
    steps = [by_hand(balancer, [1.0, 2.0, 3.0, 4.0, 5.0]) for _ in range(5)]
    assert steps == [twin.weights_of(twin.sample(5)).tolist() for _ in range(5)]
    assert len({tuple(step) for step in steps}) > 1


def test_the_objective_keeps_the_dtype_of_the_losses() -> None:
    value = RLW().objective(torch.ones(2), Info(("a", "b")))
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(1.0)


def test_an_unknown_distribution_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"`distribution` must be one of .*; found 'cauchy'"):
        RLW(distribution="cauchy")
