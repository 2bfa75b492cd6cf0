"""Weights from how far each loss still is from zero."""

import numpy as np
import pytest
from hypothesis import given, settings

from plait.balancing import IGB
from plait.core.errors import ConfigError
from tests.balancing.losses import ZERO, by_hand, loss_lists, step, weights_of

TASKS = ("a", "b")


def with_base(base: list[float], **options: int) -> IGB:
    balancer = IGB(base_epoch=0, **options)  # type: ignore[arg-type]
    weights_of(balancer, base)
    return balancer


@settings(max_examples=30)
@given(loss_lists(3, 3), loss_lists(3, 3))
def test_weighs_log_losses_by_a_softmax_of_relative_losses(
    base: list[float], losses: list[float]
) -> None:
    value, weights = step(with_base(base), losses, epoch=1)
    relative = np.array(losses) / np.array(base)
    powers = np.exp(relative - relative.max())
    expected = 3 * powers / powers.sum()
    assert weights.tolist() == pytest.approx(expected / losses, rel=1e-6)
    # expected is held fixed in the objective
    assert value.item() == pytest.approx(expected @ np.log(losses), rel=1e-6, abs=1e-6)


def test_the_base_is_the_mean_over_its_epoch_and_the_weights_are_equal_up_to_its_end() -> None:
    balancer = IGB()
    for epoch, values in [(0, [9.0, 9.0]), (1, [1.0, 4.0]), (1, [3.0, 8.0])]:
        assert weights_of(balancer, values, TASKS, epoch=epoch) == pytest.approx(
            [1 / value for value in values]
        )
    weights_of(balancer, [7.0, 7.0], TASKS, epoch=2)
    assert balancer.base.mean.get(TASKS, ZERO).tolist() == pytest.approx([2.0, 6.0])


def test_a_late_task_is_measured_by_its_first_loss() -> None:
    balancer = with_base([2.0])
    assert weights_of(balancer, [2.0, 5.0], epoch=1) == pytest.approx([1 / 2, 1 / 5])
    shares = np.exp([1.0, 2.0]) / np.exp([1.0, 2.0]).sum()
    assert weights_of(balancer, [2.0, 10.0], epoch=1) == pytest.approx(
        [2 * shares[0] / 2, 2 * shares[1] / 10]
    )


@pytest.mark.parametrize("epoch", [0, 1])
def test_a_loss_of_zero_has_nothing_to_say(epoch: int) -> None:
    balancer = with_base([1.0, 1.0])
    weights = weights_of(balancer, [0.0, 0.5], epoch=epoch)
    assert weights[0] == 0.0 < weights[1]
    assert weights_of(balancer, [0.0, 0.0], epoch=epoch) == [0.0, 0.0]


def test_a_run_resumes_after_the_base_epoch() -> None:
    whole, second = with_base([1.0, 3.0]), IGB(base_epoch=0)
    second.load_state_dict(whole.state_dict())
    losses = [1.0, 1.0]
    assert weights_of(second, losses, epoch=1) == weights_of(whole, losses, epoch=1) != [1.0, 1.0]


def test_by_hand_there_is_no_base_yet() -> None:
    assert by_hand(IGB(), [2.0, 4.0]) == [0.5, 0.25]


def test_options_outside_their_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="`base_epoch` must not be negative; found -1"):
        IGB(base_epoch=-1)
