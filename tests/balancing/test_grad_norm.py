"""Weights that make gradients as long as the training rates ask for."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing import GradNorm, Info
from plait.core.errors import ConfigError

NAMES = ("a", "b.c", "d")
ONE = torch.ones((), dtype=torch.float64)


def step(
    balancer: GradNorm,
    norms: list[float],
    losses: list[float],
    tasks: tuple[str, ...] = NAMES,
) -> list[float]:
    gramian = torch.tensor(norms, dtype=torch.float64).square().diag()
    found: list[float] = balancer.weights(gramian, Info(tasks, torch.tensor(losses))).tolist()
    return found


def test_a_step_returns_the_weights_that_were_learned_before_it() -> None:
    balancer = GradNorm(lr=0.1, alpha=0.0)
    assert step(balancer, [4.0, 1.0, 1.0], [1.0, 1.0, 1.0]) == [1.0, 1.0, 1.0]
    # Adam's first step is lr times the sign: 0.9, 1.1, 1.1, scaled to the sum 3
    expected = np.array([0.9, 1.1, 1.1]) * 3 / 3.1
    np.testing.assert_allclose(step(balancer, [4.0, 1.0, 1.0], [1.0, 1.0, 1.0]), expected)


def test_at_equal_rates_gradients_become_equally_long() -> None:
    norms = [4.0, 1.0, 2.0]
    balancer = GradNorm(lr=0.01)
    for _ in range(1000):
        weights = np.array(step(balancer, norms, [1.0, 2.0, 3.0]))
    np.testing.assert_allclose(weights * norms, np.mean(weights * norms), rtol=0.1)
    assert weights.sum() == pytest.approx(3)


def test_a_slow_task_gets_a_longer_gradient() -> None:
    balancer = GradNorm(alpha=1.0, lr=0.005, initial_losses={"a": 2.0, "b.c": 2.0})
    for _ in range(2000):  # losses at 1/2 and 1/4 of the first ones: rates 4/3 and 2/3
        weights = step(balancer, [1.0, 1.0], [1.0, 0.5], NAMES[:2])
    np.testing.assert_allclose(weights, [4 / 3, 2 / 3], rtol=0.05)


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=3), st.integers(0, 2**32 - 1))
def test_weights_stay_positive_and_keep_their_sum(norms: list[float], seed: int) -> None:
    rng, tasks = np.random.default_rng(seed), NAMES[: len(norms)]
    balancer = GradNorm(lr=0.7)
    for _ in range(12):
        losses = list(rng.uniform(0, 1, len(norms)))
        weights = step(balancer, list(norms * rng.uniform(0.1, 10, len(norms))), losses, tasks)
        assert min(weights) > 0
        assert sum(weights) == pytest.approx(len(norms))


def test_the_first_loss_that_is_not_zero_is_remembered() -> None:
    given_losses, seen = (
        GradNorm(initial_losses=dict(zip(NAMES, (1.0, 2.0, 4.0), strict=True))),
        GradNorm(),
    )
    step(seen, [1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    step(given_losses, [1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    one, two = (step(b, [1.0, 2.0, 3.0], [0.5, 0.2, 4.0]) for b in (seen, given_losses))
    assert one == two
    late = GradNorm()
    step(late, [1.0, 2.0, 3.0], [1.0, 0.0, 4.0])
    step(late, [1.0, 2.0, 3.0], [7.0, 2.0, 7.0])
    assert late.first.get(NAMES, ONE).tolist() == [1.0, 2.0, 4.0]


def test_tasks_that_are_perfect_are_no_division_by_zero() -> None:
    balancer = GradNorm()
    step(balancer, [1.0, 2.0, 3.0], [1.0, 1.0, 1.0])
    for losses in ([0.0, 1.0, 1.0], [0.0, 0.0, 0.0]):
        assert np.isfinite(step(balancer, [1.0, 2.0, 3.0], losses)).all()


@pytest.mark.parametrize("absent", [True, False])
def test_a_task_that_is_absent_or_has_no_gradient_keeps_its_state(absent: bool) -> None:
    balancer, rest = GradNorm(), GradNorm()
    for _ in range(3):
        step(balancer, [1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    rest.load_state_dict(balancer.state_dict())
    before = copy.deepcopy(balancer.state_dict())
    if absent:
        step(balancer, [1.0, 3.0], [0.3, 0.2], NAMES[::2])
    else:
        assert step(balancer, [1.0, 0.0, 3.0], [0.3, 0.5, 0.2])[1] == 0
    after = balancer.state_dict()
    own = [key for key in before if "b%2Ec" in key]
    assert len(own) == 5  # weight, first loss, two moments, number of steps
    assert all(torch.equal(before[key], after[key]) for key in own)
    assert not torch.equal(before["learned.task:a"], after["learned.task:a"])
    total = sum(float(value) for key, value in after.items() if key.startswith("learned"))
    assert total == pytest.approx(3)


def test_losses_are_needed_and_must_not_be_negative() -> None:
    balancer = GradNorm()
    with pytest.raises(ConfigError, match=r"GradNorm reads the losses as well"):
        balancer.weights(torch.eye(3))
    with pytest.raises(ConfigError, match=r"needs losses of at least 0; found -1 for task 'b\.c'"):
        step(balancer, [1.0, 1.0, 1.0], [1.0, -1.0, 1.0])
    assert not balancer.state_dict()


def test_bad_options_are_refused() -> None:
    with pytest.raises(ConfigError, match="`alpha` must not be negative; found -1"):
        GradNorm(alpha=-1.0)
    with pytest.raises(ConfigError, match="`lr` must be positive; found 0"):
        GradNorm(lr=0.0)
    with pytest.raises(ConfigError, match="`initial_losses` must be positive; found 0"):
        GradNorm(initial_losses={"a": 0.0})
    with pytest.raises(ConfigError, match="unknown task 'e'"):
        GradNorm(initial_losses={"e": 1.0}).setup(NAMES)
