"""The sum of the logarithms of the losses."""

import math

import pytest
from hypothesis import given

from plait.balancing import LogTransform
from tests.balancing.losses import by_hand, loss_lists, step, weights_of


@given(loss_lists())
def test_the_weights_are_the_inverse_losses(losses: list[float]) -> None:
    value, weights = step(LogTransform(), losses)
    assert value.item() == pytest.approx(sum(map(math.log, losses)), abs=1e-9)
    assert weights.tolist() == pytest.approx([1 / loss for loss in losses])
    assert by_hand(LogTransform(), losses) == weights.tolist()


def test_a_loss_of_zero_has_nothing_to_say() -> None:
    assert weights_of(LogTransform(), [0.0, 4.0]) == [0.0, 0.25]
    assert weights_of(LogTransform(), [0.0, 0.0]) == [0.0, 0.0]


def test_no_number_is_added_to_a_small_loss() -> None:
    assert weights_of(LogTransform(), [1e-200, 1.0]) == pytest.approx([1e200, 1.0])


def test_a_preference_multiplies_the_weight() -> None:
    balancer = LogTransform(preference={"a": 3.0})
    assert weights_of(balancer, [2.0, 2.0], ("b", "a")) == pytest.approx([0.5, 1.5])
