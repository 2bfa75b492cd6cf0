"""Weights from how much each loss fell in the step."""

import copy
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from plait.balancing import FAMO
from plait.core.errors import ConfigError, NonFiniteError
from tests.balancing.losses import ZERO, by_hand, loss_lists, reading, step, weights_of
from tests.balancing.promises import same

TASKS = ("a", "b")


def logits_of(balancer: FAMO, tasks: tuple[str, ...] = TASKS) -> list[float]:
    found: list[float] = balancer.logits.get(tasks, ZERO).tolist()
    return found


def train(balancer: FAMO, before: list[float], after: list[float], times: int = 1) -> list[float]:
    for _ in range(times):
        weights = weights_of(balancer, before, TASKS)
        balancer.after_step(reading(after, TASKS))
    return weights


@given(loss_lists())
def test_the_first_weights_are_the_inverse_losses_that_add_up_to_one(losses: list[float]) -> None:
    value, weights = step(FAMO(), losses)
    inverse = 1 / np.array(losses)
    assert weights.tolist() == pytest.approx(inverse / inverse.sum())
    expected = np.log(losses).mean() / (inverse.mean())
    assert value.item() == pytest.approx(expected, rel=1e-6, abs=1e-12)


@settings(max_examples=25)
@given(loss_lists(3, 3), loss_lists(3, 3))
def test_the_update_is_the_gradient_of_the_mean_log_decrease(
    before: list[float], after: list[float]
) -> None:
    """The gradient by xi of sum_t softmax(xi)_t (log D_t - log D'_t), by automatic differentiation.

    Adam's first step has the length lr, whatever the gradient's, so its moment is looked at.
    """
    balancer, tasks = FAMO(weight_decay=0.1), ("a", "b", "c")
    start = torch.tensor([0.3, -0.2, 0.5], dtype=torch.float64, requires_grad=True)
    balancer.logits.put(tasks, start)
    weights_of(balancer, before, tasks)
    balancer.after_step(reading(after, tasks))
    fallen = torch.tensor(before).double().log() - torch.tensor(after).double().log()
    (expected,) = torch.autograd.grad(start.softmax(0) @ fallen + 0.05 * start @ start, start)
    found = balancer.adam.first.get(tasks, ZERO) / 0.1
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    moved = torch.tensor(logits_of(balancer, tasks), dtype=torch.float64) - start.detach()
    torch.testing.assert_close(moved, -0.025 * expected.sign(), rtol=1e-3, atol=1e-3 * 0.025)


def test_the_task_that_falls_less_gains_weight() -> None:
    balancer = FAMO()
    train(balancer, [1.0, 1.0], [0.5, 0.9])
    assert logits_of(balancer) == pytest.approx([-0.025, 0.025])
    for _ in range(50):
        weights = train(balancer, [1.0, 1.0], [0.5, 0.9])
    assert weights[1] > 0.7
    assert sum(weights) == pytest.approx(1.0)


def test_the_losses_have_to_be_read_again() -> None:
    balancer = FAMO()
    weights_of(balancer, [1.0, 2.0], TASKS)
    balancer.after_step()
    with pytest.raises(ConfigError, match=r"reads the losses again .*`balancer.after_step\(reread"):
        weights_of(balancer, [1.0, 2.0], TASKS)
    balancer.after_step(reading([0.5, 2.0], TASKS))
    weights_of(balancer, [1.0, 2.0], TASKS)


def test_without_a_step_nothing_is_read() -> None:
    def never() -> dict[str, torch.Tensor]:
        raise AssertionError

    balancer = FAMO()
    balancer.after_step(never)
    train(balancer, [1.0, 1.0], [0.5, 0.9])
    balancer.after_step(never)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_when_read_again_changes_nothing(value: float) -> None:
    balancer = FAMO()
    train(balancer, [1.0, 1.0], [0.5, 0.9])
    before = copy.deepcopy(balancer.state_dict())
    with pytest.raises(NonFiniteError, match="the loss of 'b' is not finite after the step"):
        train(balancer, [1.0, 1.0], [0.5, value])
    assert same(balancer.state_dict(), before)
    train(balancer, [1.0, 1.0], [0.5, 0.9])  # and goes on


def test_a_task_that_is_missing_when_read_again_is_named() -> None:
    balancer = FAMO()
    weights_of(balancer, [1.0, 1.0], TASKS)
    with pytest.raises(ConfigError, match="read again lack task 'b'"):
        balancer.after_step(reading([1.0], ("a",)))


def test_the_state_of_an_absent_task_is_held() -> None:
    balancer, three = FAMO(), ("a", "b", "c")
    weights_of(balancer, [1.0, 1.0, 1.0], three)
    balancer.after_step(reading([0.5, 0.9, 0.7], three))
    held = logits_of(balancer, ("c",)), balancer.adam.steps.get(("c",), ZERO).tolist()
    train(balancer, [1.0, 1.0], [0.5, 0.9], times=3)
    assert held == (logits_of(balancer, ("c",)), balancer.adam.steps.get(("c",), ZERO).tolist())
    assert balancer.adam.steps.get(("a",), ZERO).tolist() == [4.0]


def test_what_was_read_keeps_no_graph() -> None:
    balancer = FAMO()
    weights_of(balancer, [1.0, 1.0], TASKS)
    parameter = torch.tensor(0.5, requires_grad=True)
    balancer.after_step(lambda: {"a": parameter * 1, "b": parameter * 2})
    assert not any(value.requires_grad for value in balancer.state_dict().values())


def test_a_loss_at_or_below_its_bound_has_nothing_to_say() -> None:
    balancer = FAMO(min_losses={"a": 0.5})
    assert weights_of(balancer, [0.5, 2.0], TASKS) == pytest.approx([0.0, 1.0])
    assert balancer.flag is None
    balancer.after_step(reading([0.4, 1.0], TASKS))
    assert logits_of(balancer) == [0.0, 0.0]
    assert weights_of(balancer, [0.3, 2.0], TASKS) == pytest.approx([0.0, 1.0])
    assert balancer.flag == "below `min_losses`: a"
    balancer.after_step(reading([0.7, 1.0], TASKS))
    assert weights_of(balancer, [1.0, 0.5], TASKS) == pytest.approx([0.5, 0.5])
    assert balancer.flag is None
    balancer.after_step(reading([0.2, 0.4], TASKS))  # falls through its bound: a finite decrease
    assert np.isfinite(logits_of(balancer)).all()
    assert logits_of(balancer)[0] < 0 < logits_of(balancer)[1]


def test_losses_of_zero() -> None:
    assert weights_of(FAMO(), [0.0, 2.0, 2.0]) == pytest.approx([0.0, 0.5, 0.5])
    balancer = FAMO()
    assert weights_of(balancer, [0.0, 0.0], TASKS) == [0.0, 0.0]
    balancer.after_step(reading([0.0, 0.0], TASKS))
    assert logits_of(balancer) == [0.0, 0.0]


def test_a_negative_loss_needs_a_bound() -> None:
    balancer = FAMO(min_losses={"a": -2.0})
    assert weights_of(balancer, [-1.0, 1.0], TASKS) == pytest.approx([0.5, 0.5])
    balancer.after_step(reading([-1.0, 1.0], TASKS))
    before = copy.deepcopy(balancer.state_dict())
    with pytest.raises(ConfigError, match=r"that of 'b' negative. Give its bound in `min_losses`"):
        weights_of(balancer, [1.0, -1.0], TASKS)
    assert same(balancer.state_dict(), before)
    weights_of(balancer, [1.0, 1.0], TASKS)  # the refused step is not waited for


def test_a_preference_multiplies_the_shares() -> None:
    weights = weights_of(FAMO(preference={"b": 3.0}), [2.0, 2.0], TASKS)
    assert weights == pytest.approx([0.25, 0.75])


def test_by_hand() -> None:
    assert by_hand(FAMO(), [1.0, 3.0]) == pytest.approx([0.75, 0.25])


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="`lr` must be positive; found 0"):
        FAMO(lr=0)
    with pytest.raises(ConfigError, match="`weight_decay` must not be negative; found -1"):
        FAMO(weight_decay=-1)
    balancer = FAMO(min_losses={"c": 0.1})
    with pytest.raises(ConfigError, match="unknown task 'c'"):
        balancer.setup(TASKS)
