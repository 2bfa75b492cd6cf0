"""ExcessMTL, against its recursion without logarithms."""

import numpy as np
import pytest
import torch

from plait.balancing import ExcessMTL, Info
from plait.core.errors import ConfigError


def weights_of(balancer: ExcessMTL) -> np.ndarray:
    assert balancer.last_weights is not None
    found: np.ndarray = balancer.last_weights.numpy()
    return found


def test_is_the_recursion() -> None:
    balancer = ExcessMTL(robust_step_size=0.7, eps=1e-7)
    rng = np.random.default_rng(0)
    squares, weights, first = np.zeros((3, 5)), np.ones(3), np.zeros(3)
    for step in range(6):
        jacobian = rng.standard_normal((3, 5))
        direction = balancer.combine(torch.from_numpy(jacobian))
        squares += jacobian**2
        excess = (jacobian**2 / np.sqrt(squares + 1e-7)).sum(axis=1)
        if step == 0:
            first = excess
        else:
            weights = weights * np.exp(0.7 * excess / first)
            weights *= 3 / weights.sum()
        np.testing.assert_allclose(weights_of(balancer), weights, rtol=1e-12)
        np.testing.assert_allclose(direction, weights @ jacobian, rtol=1e-10, atol=1e-12)


def test_a_task_that_has_settled_loses_weight_to_one_that_learns() -> None:
    balancer = ExcessMTL(robust_step_size=0.1)
    for step in range(50):
        settled, learning = 0.5**step, 1.0
        balancer.combine(torch.tensor([[settled, 0.0], [0.0, learning]]), Info(("a", "b")))
    assert weights_of(balancer)[1] > 1.5


def test_weights_stay_within_the_bound_and_come_back() -> None:
    balancer = ExcessMTL(robust_step_size=50.0, bound=5.0)
    one, other = torch.tensor([[1.0, 0.0], [0.0, 1e-3]]), torch.tensor([[1e-3, 0.0], [0.0, 1.0]])
    balancer.combine(torch.eye(2))
    for _ in range(100):
        balancer.combine(one)
    np.testing.assert_allclose(np.ptp(np.log(weights_of(balancer))), 5.0)
    for _ in range(5):
        balancer.combine(other)
    assert weights_of(balancer)[1] > 1.9
    np.testing.assert_allclose(weights_of(balancer).sum(), 2)


def test_the_first_excess_is_the_first_that_is_not_zero() -> None:
    balancer = ExcessMTL(robust_step_size=1.0)
    late = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    balancer.combine(late)
    balancer.combine(late)  # only the first task has a reference
    before = weights_of(balancer)
    assert before[0] > 1 > before[1] > 0
    balancer.combine(torch.tensor([[0.0, 0.0], [0.0, 3.0]]))  # sets the second's; nothing grows
    np.testing.assert_allclose(weights_of(balancer), before)
    balancer.combine(torch.tensor([[0.0, 0.0], [0.0, 3.0]]))
    assert weights_of(balancer)[1] > before[1]


def test_the_weights_of_the_tasks_present_add_up_to_their_number() -> None:
    balancer, tasks = ExcessMTL(robust_step_size=1.0), ("a", "b", "c")
    for present in (tasks, ("a", "c"), tasks, ("b",), tasks):
        balancer.combine(torch.randn(len(present), 5), Info(present))
        np.testing.assert_allclose(weights_of(balancer).sum(), len(present))


@pytest.mark.parametrize("option", ["robust_step_size", "bound", "eps"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_options_have_to_be_positive(option: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"`{option}` must be positive; found {value}"):
        ExcessMTL(**{option: value})
