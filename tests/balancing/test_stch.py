"""The smooth Tchebycheff scalarisation of relative losses."""

import math

import numpy as np
import pytest
from hypothesis import given, settings

from plait.balancing import STCH
from plait.core.errors import ConfigError
from tests.balancing.losses import ZERO, by_hand, loss_lists, positive, step, weights_of

TASKS = ("a", "b")


def warm(nadir: list[float], **options: float) -> STCH:
    """A method whose nadir is known."""
    balancer = STCH(warmup_epoch=0, **options)  # type: ignore[arg-type]
    weights_of(balancer, nadir)
    return balancer


@settings(max_examples=30)
@given(loss_lists(3, 3), loss_lists(3, 3), positive(-1, 1))
def test_is_the_smooth_maximum_of_the_relative_losses(
    nadir: list[float], losses: list[float], mu: float
) -> None:
    value, weights = step(warm(nadir, mu=mu), losses, epoch=1)
    relative = np.log(np.array(losses) / np.array(nadir))
    worst = relative.max()
    powers = np.exp((relative - worst) / mu)
    assert value.item() == pytest.approx(3 * (worst + mu * math.log(powers.sum())), abs=1e-9)
    shares = 3 * powers / powers.sum()
    assert weights.tolist() == pytest.approx(shares / losses, rel=1e-9)
    assert (weights * weights.new_tensor(losses)).sum().item() == pytest.approx(3)


def test_the_two_limits() -> None:
    nadir, losses = [1.0, 4.0, 2.0], [0.5, 1.0, 1.5]  # relative 0.5, 0.25, 0.75
    even = weights_of(warm(nadir, mu=1e6), losses, epoch=1)
    assert even == pytest.approx([1 / loss for loss in losses], rel=1e-5)
    worst = weights_of(warm(nadir, mu=1e-3), losses, epoch=1)
    assert worst == pytest.approx([0.0, 0.0, 3 / 1.5])


def test_the_nadir_is_the_mean_over_the_last_epoch_of_the_warm_up() -> None:
    balancer = STCH(warmup_epoch=1)
    for epoch, values in [(0, [9.0, 9.0]), (1, [1.0, 4.0]), (1, [3.0, 8.0])]:
        assert weights_of(balancer, values, TASKS, epoch=epoch) == pytest.approx(
            [1 / value for value in values]
        )
    weights_of(balancer, [7.0, 7.0], TASKS, epoch=2)
    assert balancer.nadir.mean.get(TASKS, ZERO).tolist() == pytest.approx([2.0, 6.0])


def test_a_late_task_is_measured_by_its_first_loss() -> None:
    balancer = STCH(warmup_epoch=0)
    weights_of(balancer, [2.0], ("a",), epoch=0)
    equal = weights_of(balancer, [2.0, 5.0], TASKS, epoch=1)
    assert equal == pytest.approx([1 / 2, 1 / 5])
    later = weights_of(balancer, [1.0, 5.0], TASKS, epoch=1)  # 1/2 and 1 of the nadir
    assert later == pytest.approx([2 / 3 / 1, 4 / 3 / 5])


@pytest.mark.parametrize("epoch", [0, 1])
def test_a_loss_of_zero_has_nothing_to_say(epoch: int) -> None:
    balancer = warm([1.0, 1.0])
    assert weights_of(balancer, [0.0, 0.5], epoch=epoch)[0] == 0.0
    assert weights_of(balancer, [0.0, 0.5], epoch=1) == pytest.approx([0.0, 2 / 0.5])
    assert weights_of(balancer, [0.0, 0.0], epoch=epoch) == [0.0, 0.0]


def test_a_run_resumes_after_the_warm_up() -> None:
    whole, second = warm([1.0, 3.0]), STCH(warmup_epoch=0)
    second.load_state_dict(whole.state_dict())
    losses = [1.0, 1.0]
    assert weights_of(second, losses, epoch=1) == weights_of(whole, losses, epoch=1) != [1.0, 1.0]


def test_a_preference_multiplies_the_relative_loss() -> None:
    balancer = STCH(warmup_epoch=0, preference={"b": 3.0})
    assert weights_of(balancer, [1.0, 2.0], TASKS, epoch=0) == pytest.approx([0.5, 1.5 / 2])
    assert weights_of(balancer, [1.0, 2.0], TASKS, epoch=1) == pytest.approx([0.5, 1.5 / 2])
    assert weights_of(balancer, [3.0, 2.0], TASKS, epoch=1) == pytest.approx([1 / 3, 1 / 2])


def test_by_hand_it_is_warming_up() -> None:
    assert by_hand(STCH(), [2.0, 4.0]) == [0.5, 0.25]


def test_options_outside_their_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="`mu` must be positive; found 0"):
        STCH(mu=0)
    with pytest.raises(ConfigError, match="`warmup_epoch` must not be negative; found -1"):
        STCH(warmup_epoch=-1)
