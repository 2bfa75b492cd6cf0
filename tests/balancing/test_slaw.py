"""Weights from the deviation of the losses from step to step."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.balancing import SLAW
from plait.core.errors import ConfigError
from tests.balancing.losses import ZERO, by_hand, positive, step, weights_of

TASKS = ("a", "b")
STEPS = st.lists(st.lists(positive(-1, 1), min_size=2, max_size=2), min_size=2, max_size=12)


def averages(values: np.ndarray, beta: float, plain: int) -> np.ndarray:
    """A plain mean over the first steps, then an exponential one, as a weighted sum."""
    shares = np.zeros(len(values))
    for number in range(len(values)):
        rate = 1 / (number + 1) if number < plain else 1 - beta
        shares *= 1 - rate
        shares[number] = rate
    found: np.ndarray = shares @ values
    return found


@settings(max_examples=30)
@given(STEPS)
def test_is_the_inverse_of_the_running_deviation(losses: list[list[float]]) -> None:
    beta, values = 0.8, np.array(losses)
    balancer = SLAW(beta=beta)
    for row in losses:
        weights = weights_of(balancer, row, TASKS)
    mean, square = averages(values, beta, 5), averages(values**2, beta, 5)
    deviation = np.sqrt(np.maximum(square - mean**2, 0))
    found = balancer.deviation.get(TASKS, ZERO).numpy()
    np.testing.assert_allclose(found, deviation, atol=1e-7 * values.max())
    if (deviation > 1e-2 * mean).all():
        np.testing.assert_allclose(weights, 2 / deviation / (1 / deviation).sum(), rtol=1e-5)


def test_the_paper_starts_from_averages_of_zero() -> None:
    balancer = SLAW(beta=0.5, bias_correction=False)
    # E[L^2] - E[L]^2 = L^2 / 4 after the first step, so s = L / 2
    assert weights_of(balancer, [1.0, 3.0], TASKS) == pytest.approx([1.5, 0.5])
    # a: E[L] = 1/4 + 1/2, E[L^2] = 1/4 + 1/2;  b: E[L] = 3/4 + 3/2, ...
    assert weights_of(balancer, [1.0, 3.0], TASKS) == pytest.approx([1.5, 0.5])
    expected = [(0.75 - 0.75**2) ** 0.5, 3 * (0.75 - 0.75**2) ** 0.5]
    assert balancer.deviation.get(TASKS, ZERO).tolist() == pytest.approx(expected)


def test_close_large_losses_keep_their_deviation_in_single_precision() -> None:
    """The difference of squares is rounding there."""
    balancer = SLAW()
    for change in (0.0, 1.0, 0.0, 1.0):
        values = [1000 + change, 1000 + 4 * change]
        weights = step(balancer, values, TASKS, dtype=torch.float32)[1]
    assert weights.tolist() == pytest.approx([1.6, 0.4], rel=1e-3)


def test_squares_that_leave_the_range_of_floats_are_not_formed() -> None:
    balancer = SLAW()
    for values in ([1e-30, 1e30], [3e-30, 2e30]):
        weights = step(balancer, values, TASKS, dtype=torch.float32)[1]
    assert weights.isfinite().all()
    assert weights.tolist() == pytest.approx([2.0, 0.0])
    assert balancer.deviation.get(TASKS, ZERO).tolist() == pytest.approx([1e-30, 5e29])


def test_the_weights_add_up_to_the_number_of_tasks() -> None:
    balancer = SLAW()
    for number in range(5):
        weights = weights_of(balancer, [1.0 + number % 2, 3.0 - number, 0.1 * number**2])
        assert sum(weights) == pytest.approx(3.0)


def test_a_new_task_has_the_mean_weight() -> None:
    balancer = SLAW()
    for values in ([1.0, 1.0], [2.0, 4.0]):
        weights_of(balancer, values, TASKS)
    before = balancer.deviation.get(TASKS, ZERO).tolist()
    assert before == pytest.approx([0.5, 1.5])
    weights = weights_of(balancer, [1.5, 2.5, 7.0], ("a", "b", "new"))
    assert weights[2] == pytest.approx(1.0)
    assert sum(weights) == pytest.approx(3.0)


def test_a_loss_that_stands_still_has_a_finite_weight_and_one_of_zero_the_mean_weight() -> None:
    balancer = SLAW()
    for number in range(3):
        weights = weights_of(balancer, [2.0, 1.0 + number, 0.0])
    assert weights[2] == pytest.approx(1.0)
    deviation = np.std([1.0, 2.0, 3.0])
    assert weights[0] / weights[1] == pytest.approx(deviation / 2e-5)


def test_a_preference_multiplies_the_weight() -> None:
    balancer = SLAW(preference={"b": 3.0})
    for values in ([1.0, 1.0], [2.0, 4.0]):  # deviations 0.5 and 1.5
        weights = weights_of(balancer, values, TASKS)
    assert weights == pytest.approx([1.0, 1.0])


def test_by_hand() -> None:
    balancer = SLAW()
    assert by_hand(balancer, [1.0, 1.0]) == [1.0, 1.0]
    assert by_hand(balancer, [2.0, 4.0]) == pytest.approx([1.5, 0.5])


@pytest.mark.parametrize("beta", [0.0, 1.0, -0.5, float("nan")])
def test_beta_is_between_0_and_1(beta: float) -> None:
    with pytest.raises(ConfigError, match="`beta` must be between 0 and 1"):
        SLAW(beta=beta)
