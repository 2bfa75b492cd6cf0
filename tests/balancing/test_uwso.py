"""Softmax weights of the inverse losses."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing import UWSO
from plait.core.errors import ConfigError
from tests.balancing.losses import by_hand, positive, step, weights_of

losses_of_any_size = st.lists(positive(-2, 6), min_size=1, max_size=6)


@given(losses_of_any_size, positive(-0.5, 3))
def test_is_the_softmax_of_the_inverse_losses(losses: list[float], temperature: float) -> None:
    powers = [math.exp(1 / (temperature * loss)) for loss in losses]
    expected = [power / sum(powers) for power in powers]
    balancer = UWSO(temperature=temperature)
    value, weights = step(balancer, losses)
    assert weights.tolist() == pytest.approx(expected, rel=1e-9)
    weighted = [weight * loss for weight, loss in zip(expected, losses, strict=True)]
    assert value.item() == pytest.approx(math.fsum(weighted))
    assert by_hand(balancer, losses) == weights.tolist()


def test_three_tasks_by_hand() -> None:
    # exp(ln 2 / L) for L = 1, 1/2 and 1/3: 2, 4 and 8
    found = weights_of(UWSO(temperature=1 / math.log(2)), [1.0, 1 / 2, 1 / 3])
    assert found == pytest.approx([1 / 7, 2 / 7, 4 / 7])


def test_a_high_temperature_makes_the_weights_equal_and_a_low_one_picks_the_smallest() -> None:
    assert weights_of(UWSO(temperature=1e9), [4.0, 0.5]) == pytest.approx([0.5, 0.5])
    assert weights_of(UWSO(temperature=1e-3), [4.0, 0.5]) == [0.0, 1.0]


@given(losses_of_any_size, positive(-3, 3))
def test_the_temperature_has_the_unit_of_the_inverse_loss(
    losses: list[float], scale: float
) -> None:
    scaled = [scale * loss for loss in losses]
    found = weights_of(UWSO(temperature=1 / scale), scaled)
    assert found == pytest.approx(weights_of(UWSO(), losses), rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_losses_at_the_edge_of_the_range_give_finite_weights(dtype: torch.dtype) -> None:
    tiny = torch.finfo(dtype).tiny
    balancer = UWSO(temperature=0.01)
    assert step(balancer, [tiny, 1.0], dtype=dtype)[1].tolist() == [1.0, 0.0]
    assert step(balancer, [tiny, 2 * tiny], dtype=dtype)[1].tolist() == [0.5, 0.5]
    largest = torch.finfo(dtype).max
    found = step(balancer, [largest, 1.0], dtype=dtype)[1].tolist()
    assert found == pytest.approx([0.0, 1.0])


def test_a_loss_of_zero_gets_no_weight() -> None:
    value, weights = step(UWSO(), [2.0, 0.0, 2.0])
    assert (value.item(), weights.tolist()) == (2.0, [0.5, 0.0, 0.5])
    value, weights = step(UWSO(), [0.0, 0.0])
    assert (value.item(), weights.tolist()) == (0.0, [0.0, 0.0])


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_the_temperature_is_positive(value: float) -> None:
    with pytest.raises(ConfigError, match="`temperature` must be positive; found"):
        UWSO(temperature=value)
