"""The geometric mean of the losses."""

import math

import pytest
from hypothesis import given

from plait.balancing import GLS
from tests.balancing.losses import by_hand, loss_lists, step, weights_of


@given(loss_lists())
def test_is_the_root_of_the_product(losses: list[float]) -> None:
    value, weights = step(GLS(), losses)
    expected = math.prod(losses) ** (1 / len(losses))
    assert value.item() == pytest.approx(expected)
    assert weights.tolist() == pytest.approx([expected / (len(losses) * x) for x in losses])
    assert by_hand(GLS(), losses) == weights.tolist()


def test_equal_losses_get_the_weights_of_their_mean() -> None:
    assert weights_of(GLS(), [0.3] * 4) == pytest.approx([0.25] * 4)


def test_the_product_of_many_losses_does_not_leave_the_range_of_floats() -> None:
    for size in (1e-30, 1e30):
        value, weights = step(GLS(), [size] * 100)
        assert value.item() == pytest.approx(size)
        assert weights.tolist() == pytest.approx([0.01] * 100)


def test_a_loss_of_zero_is_left_out() -> None:
    value, weights = step(GLS(), [4.0, 0.0, 1.0])
    assert value.item() == pytest.approx(2.0)
    assert weights.tolist() == pytest.approx([0.25, 0.0, 1.0])
    value, weights = step(GLS(), [0.0, 0.0])
    assert (value.item(), weights.tolist()) == (0.0, [0.0, 0.0])


def test_a_preference_is_an_exponent() -> None:
    value, weights = step(GLS(preference={"b": 3.0}), [16.0, 1.0], ("a", "b"))
    assert value.item() == pytest.approx(2.0)  # (16 x 1^3)^(1/4)
    assert weights.tolist() == pytest.approx([2 / (4 * 16), 3 * 2 / 4])
