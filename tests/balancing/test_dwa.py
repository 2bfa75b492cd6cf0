"""Weights from how much the losses fell between epochs."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.balancing import DWA
from plait.core.errors import ConfigError
from tests.balancing.losses import by_hand, positive, weights_of

TASKS = ("a", "b")
EPOCHS = st.lists(
    st.lists(st.lists(positive(-2, 2), min_size=2, max_size=2), min_size=1, max_size=3),
    min_size=3,
    max_size=5,
)


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max())
    found: np.ndarray = powers / powers.sum()
    return found


def train(balancer: DWA, epochs: list[list[list[float]]], start: int = 0) -> list[float]:
    """The weights in the last step."""
    for epoch, batches in enumerate(epochs, start):
        for losses in batches:
            weights = weights_of(balancer, losses, TASKS, epoch=epoch)
    return weights


def test_two_epochs_by_hand() -> None:
    balancer = DWA(temperature=0.5 / math.log(3))
    epochs = [[[1.0, 2.0], [3.0, 2.0]], [[1.5, 1.0], [0.5, 3.0]]]  # means 2, 2 and 1, 2
    assert train(balancer, epochs) == [1.0, 1.0]
    # 2 softmax(1/2, 1 by ln 3 / 0.5) = 2 (1/4, 3/4), in every step of the epoch
    assert weights_of(balancer, [9.0, 1.0], TASKS, epoch=2) == pytest.approx([0.5, 1.5])
    assert weights_of(balancer, [1.0, 9.0], TASKS, epoch=2) == pytest.approx([0.5, 1.5])


@settings(max_examples=25)
@given(EPOCHS, positive(-1, 1))
def test_is_the_softmax_of_the_ratios_of_epoch_means(
    epochs: list[list[list[float]]], temperature: float
) -> None:
    last, before = (np.mean(epochs[which], axis=0) for which in (-2, -3))
    expected = 2 * softmax(last / before / temperature)
    assert train(DWA(temperature=temperature), epochs) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=25)
@given(st.lists(st.lists(positive(-2, 2), min_size=2, max_size=2), min_size=1, max_size=9))
def test_windows_are_those_of_the_last_steps(losses: list[list[float]]) -> None:
    balancer, size = DWA(window=2), 2
    for number in range(len(losses)):
        found = weights_of(balancer, losses[number], TASKS)
        expected = np.ones(2)
        if number + 1 >= 2 * size:
            last = np.mean(losses[number + 1 - size : number + 1], axis=0)
            before = np.mean(losses[number + 1 - 2 * size : number + 1 - size], axis=0)
            expected = 2 * softmax(last / before / 2)
        assert found == pytest.approx(expected, abs=1e-9)


def test_an_absent_task_counts_its_own_epochs() -> None:
    balancer = DWA(temperature=1.0)
    weights_of(balancer, [4.0, 1.0], TASKS, epoch=0)
    weights_of(balancer, [2.0, 1.0], TASKS, epoch=1)
    for epoch in range(2, 5):
        weights_of(balancer, [1.0], ("b",), epoch=epoch)
    # "a" fell from 4 to 2 in the epochs that it saw
    expected = 2 * softmax(np.array([0.5, 1.0]))
    assert weights_of(balancer, [2.0, 1.0], TASKS, epoch=5) == pytest.approx(expected)


def test_a_new_task_is_neither_ahead_nor_behind() -> None:
    balancer = DWA()
    for epoch in range(3):
        weights_of(balancer, [1.0], ("a",), epoch=epoch)
    assert weights_of(balancer, [1.0, 7.0], TASKS, epoch=3) == pytest.approx([1.0, 1.0])


def test_a_mean_of_zero_makes_no_ratio() -> None:
    epochs = [[[0.0, 1.0]], [[3.0, 1.0]], [[3.0, 1.0]]]
    assert train(DWA(), epochs) == pytest.approx([1.0, 1.0])
    steps = [[[0.0, 1.0]], [[3.0, 1.0]]]
    assert train(DWA(window=1), steps) == pytest.approx([1.0, 1.0])


def test_a_ratio_beyond_the_range_of_floats_leaves_weights_finite() -> None:
    epochs = [[[1e-300, 1.0]], [[1e300, 1.0]], [[1.0, 1.0]]]
    assert train(DWA(), epochs) == pytest.approx([2.0, 0.0])


def test_a_run_resumes_in_the_middle_of_an_epoch() -> None:
    epochs = [[[1.0, 5.0]], [[2.0, 3.0]], [[2.0, 1.0]]]
    for options in ({}, {"window": 1}):
        whole, first, second = (DWA(**options) for _ in range(3))
        train(whole, epochs)
        train(first, epochs)
        second.load_state_dict(first.state_dict())
        rest = [[[0.5, 4.0]], [[7.0, 1.0]], [[1.0, 1.0]]]
        assert train(second, rest, start=2) == train(whole, rest, start=2) != [1.0, 1.0]


def test_by_hand_it_is_one_epoch() -> None:
    balancer = DWA()
    assert [by_hand(balancer, [1.0, 3.0]) for _ in range(3)] == [[1.0, 1.0]] * 3
    assert "task:0" in balancer.means.mean.state_dict()


def test_the_weights_are_no_function_of_the_losses_to_be_differentiated() -> None:
    balancer = DWA(window=1)
    weights_of(balancer, [1.0, 1.0], TASKS)
    losses = torch.tensor([2.0, 1.0], requires_grad=True)
    value = balancer.objective(losses)
    (weights,) = torch.autograd.grad(value, losses)
    assert (weights @ losses).item() == pytest.approx(value.item())


def test_options_outside_their_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="`temperature` must be positive; found 0"):
        DWA(temperature=0)
    with pytest.raises(ConfigError, match="`window` must be positive; found 0"):
        DWA(window=0)
