"""Learned weights that bring all losses to one value."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.balancing import IMTLL, Info, UncertaintyWeights
from tests.balancing.losses import positive, weights_of

TASKS = ("a", "b")


def minimise(balancer: IMTLL, losses: list[float], steps: int = 60) -> None:
    """Newton's steps, cut to length 1: d2/ds2 of exp(s) L - s is exp(s) L."""
    values = torch.tensor(losses, dtype=torch.float64)
    for _ in range(steps):
        balancer.zero_grad()
        balancer.objective(values, Info(TASKS)).backward()
        with torch.no_grad():
            for s in balancer.parameters():
                assert s.grad is not None
                s -= (s.grad / (s.grad + 1).clamp(min=1e-12)).clamp(-1, 1)


def test_two_tasks_by_hand() -> None:
    balancer = IMTLL(tasks=TASKS)
    with torch.no_grad():
        for s, value in zip(balancer.parameters(), (0.0, math.log(2.0)), strict=True):
            s.fill_(value)
    objective = balancer.objective(torch.tensor([3.0, 5.0]), Info(TASKS))
    assert objective.item() == pytest.approx(3.0 + 10.0 - math.log(2.0))
    assert weights_of(balancer, [3.0, 5.0], TASKS) == pytest.approx([1.0, 2.0])


@settings(max_examples=20)
@given(st.lists(positive(-3, 3), min_size=2, max_size=2))
def test_at_the_minimum_all_scaled_losses_are_one(losses: list[float]) -> None:
    balancer = IMTLL(tasks=TASKS).double()
    minimise(balancer, losses)
    weights = weights_of(balancer, losses, TASKS)
    assert [w * loss for w, loss in zip(weights, losses, strict=True)] == pytest.approx([1.0, 1.0])


def test_a_loss_that_vanishes_leaves_the_weight_at_the_bound() -> None:
    balancer = IMTLL(tasks=TASKS, bound=3.0).double()
    minimise(balancer, [0.0, 1.0])
    assert weights_of(balancer, [0.0, 1.0], TASKS) == pytest.approx([math.exp(3.0), 1.0])


@given(st.floats(-3, 3), positive(-3, 3))
def test_is_twice_the_uncertainty_weighting_of_the_opposite_scale(s: float, loss: float) -> None:
    impartial = IMTLL(tasks=["a"], init=s).double()
    uncertain = UncertaintyWeights(tasks=["a"], init=-s).double()
    losses, info = torch.tensor([loss], dtype=torch.float64), Info(("a",))
    assert impartial.objective(losses, info).item() == pytest.approx(
        2 * uncertain.objective(losses, info).item(), abs=1e-9
    )


def test_an_absent_task_gets_no_gradient() -> None:
    balancer = IMTLL(tasks=("a", "b", "c"))
    balancer.objective(torch.tensor([1.0, 2.0]), Info(("c", "a"))).backward()
    assert [s.grad is not None for s in balancer.parameters()] == [True, False, True]
