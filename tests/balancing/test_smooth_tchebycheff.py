"""The smooth Tchebycheff scalarisation."""

import math

import pytest
import torch
from hypothesis import given

from plait.balancing import SmoothTchebycheff
from plait.core.errors import ConfigError
from tests.balancing.losses import by_hand, loss_lists, positive, step, weights_of

TASKS = ("a", "b")


def test_two_tasks_by_hand() -> None:
    balancer = SmoothTchebycheff(preference={"a": 2.0}, reference={"b": 1.0}, mu=0.5)
    value, weights = step(balancer, [1.0, 3.0 - math.log(3) / 2], TASKS)
    # 2 (1 - 0) = 2 and (3 - ln 3 / 2) - 1 = 2 - ln 3 / 2: a softmax of 3/4 and 1/4
    assert value.item() == pytest.approx(2.0 + 0.5 * math.log(1 + 1 / 3))
    assert weights.tolist() == pytest.approx([2 * 3 / 4, 1 / 4])


@given(loss_lists(), positive(-3, 3))
def test_lies_between_the_maximum_and_a_known_bound_above_it(
    losses: list[float], mu: float
) -> None:
    value, weights = step(SmoothTchebycheff(mu=mu), losses)
    slack = 1e-9 * max(losses)
    assert max(losses) - slack <= value.item() <= max(losses) + mu * math.log(len(losses)) + slack
    assert weights.sum().item() == pytest.approx(1.0)
    assert weights.max() == weights[losses.index(max(losses))]


def test_equal_losses_get_the_weights_of_their_mean() -> None:
    assert weights_of(SmoothTchebycheff(), [0.3] * 4) == pytest.approx([0.25] * 4)


@given(positive(-3, 3))
def test_a_factor_of_the_preference_is_one_of_mu_and_of_the_rate(factor: float) -> None:
    """So 1 for each task is the paper's 1/T with another mu."""
    losses = [1.0, 2.0]
    scaled = SmoothTchebycheff(preference=dict.fromkeys(TASKS, factor), mu=factor)
    expected = [factor * w for w in weights_of(SmoothTchebycheff(mu=1.0), losses, TASKS)]
    assert weights_of(scaled, losses, TASKS) == pytest.approx(expected)


def test_losses_may_be_negative_and_large() -> None:
    weights = weights_of(SmoothTchebycheff(mu=0.01), [-1e5, 1e5, 1e5])
    assert weights == pytest.approx([0.0, 0.5, 0.5])


def test_by_hand() -> None:
    assert by_hand(SmoothTchebycheff(mu=1.0), [1.0, 1.0]) == pytest.approx([0.5, 0.5])


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="`mu` must be positive; found 0"):
        SmoothTchebycheff(mu=0)
    with pytest.raises(ConfigError, match=r"`preference` must be positive; found 0.* for task 'a'"):
        SmoothTchebycheff(preference={"a": 0.0})
    for option in ("preference", "reference"):
        balancer = SmoothTchebycheff(**{option: {"c": 1.0}})
        with pytest.raises(ConfigError, match="unknown task 'c'"):
            balancer.setup(TASKS)


@pytest.mark.parametrize("mu", [1e-3, 1e-30, 1e-44])
def test_a_small_mu_in_single_precision_is_the_maximum(mu: float) -> None:
    losses = torch.tensor([1e3, 2e4, 2e4 - 1.0], requires_grad=True)
    value = SmoothTchebycheff(mu=mu).objective(losses)
    assert value.item() == 2e4
    assert torch.autograd.grad(value, losses)[0].tolist() == [0.0, 1.0, 0.0]
