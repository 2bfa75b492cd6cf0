"""Weights from learned uncertainties."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.balancing import Info, UncertaintyWeights
from plait.core.errors import ConfigError

TASKS = ("a", "b")


def log_variances(balancer: UncertaintyWeights) -> list[float]:
    return [parameter.item() for parameter in balancer.parameters()]


def weights_of(balancer: UncertaintyWeights, losses: list[float]) -> list[float]:
    values = torch.tensor(losses, dtype=torch.float64, requires_grad=True)
    objective = balancer.objective(values, Info(balancer.tasks))
    gradient: list[float] = torch.autograd.grad(objective, values)[0].tolist()
    return gradient


def minimise(balancer: UncertaintyWeights, losses: list[float], steps: int = 40) -> None:
    """Newton's steps, cut to length 1: d2/ds2 of a exp(-s) L + s/2 is a exp(-s) L."""
    values = torch.tensor(losses, dtype=torch.float64)
    for _ in range(steps):
        balancer.zero_grad()
        balancer.objective(values, Info(balancer.tasks)).backward()
        with torch.no_grad():
            for s in balancer.parameters():
                assert s.grad is not None
                curvature = 0.5 - s.grad  # a exp(-s) L
                s -= (s.grad / curvature.clamp(min=1e-12)).clamp(-1, 1)


def test_two_tasks_by_hand() -> None:
    balancer = UncertaintyWeights(tasks=TASKS, form={"b": "classification"})
    with torch.no_grad():
        for parameter, value in zip(balancer.parameters(), (0.0, math.log(4.0)), strict=True):
            parameter.fill_(value)
    # 1/2 exp(0) 3 + 0 / 2,   exp(-log 4) 8 + log(4) / 2
    objective = balancer.objective(torch.tensor([3.0, 8.0]), Info(TASKS))
    assert objective.item() == pytest.approx(1.5 + 2.0 + math.log(4.0) / 2)
    assert weights_of(balancer, [3.0, 8.0]) == pytest.approx([0.5, 0.25])


@settings(max_examples=20)
@given(st.lists(st.floats(-8, 8).map(math.exp), min_size=2, max_size=2))
def test_at_the_minimum_the_weights_are_inverse_to_the_losses(losses: list[float]) -> None:
    regression = UncertaintyWeights(tasks=TASKS).double()
    classification = UncertaintyWeights(tasks=TASKS, form="classification").double()
    for balancer, factor in ((regression, 1.0), (classification, 2.0)):
        minimise(balancer, losses)
        expected = [math.log(factor * loss) for loss in losses]
        assert log_variances(balancer) == pytest.approx(expected, abs=1e-6)
        assert weights_of(balancer, losses) == pytest.approx([0.5 / loss for loss in losses])


def test_the_first_value_can_be_chosen() -> None:
    balancer = UncertaintyWeights(tasks=TASKS, init=-0.5)
    assert log_variances(balancer) == [-0.5, -0.5]
    assert weights_of(balancer, [1.0, 1.0]) == pytest.approx([0.5 * math.exp(0.5)] * 2)


def test_a_loss_that_vanishes_leaves_the_weight_at_the_bound() -> None:
    balancer = UncertaintyWeights(tasks=TASKS, bound=3.0).double()
    minimise(balancer, [1e-30, 1.0])
    assert weights_of(balancer, [1e-30, 1.0]) == pytest.approx([0.5 * math.exp(3.0), 0.5])
    minimise(balancer, [1e30, 1.0])
    assert weights_of(balancer, [1e30, 1.0]) == pytest.approx([0.5 * math.exp(-3.0), 0.5])


@pytest.mark.parametrize("outside", [-50.0, 50.0])
def test_from_the_bound_there_is_a_way_back(outside: float) -> None:
    """A clamp inside the graph has no gradient outside the bound: the weight would stay there."""
    balancer = UncertaintyWeights(tasks=TASKS, bound=3.0).double()
    with torch.no_grad():
        next(balancer.parameters()).fill_(outside)
    minimise(balancer, [2.0, 2.0])
    assert log_variances(balancer) == pytest.approx([math.log(2.0)] * 2)


def test_an_absent_task_gets_no_gradient() -> None:
    balancer = UncertaintyWeights(tasks=("a", "b", "c"))
    balancer.objective(torch.tensor([1.0, 2.0]), Info(("c", "a"))).backward()
    present = [parameter.grad is not None for parameter in balancer.parameters()]
    assert present == [True, False, True]


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ConfigError, match="`form` must be"):
        UncertaintyWeights(form="ordinal")
    with pytest.raises(ConfigError, match="`form` must be"):
        UncertaintyWeights(form={"a": "ordinal"})
    with pytest.raises(ConfigError, match=r"unknown task 'aa'.*Did you mean 'a'"):
        UncertaintyWeights(form={"aa": "regression"}, tasks=["a"])
    with pytest.raises(ConfigError, match="knows no task 'b'"):
        UncertaintyWeights(tasks=["a"]).objective(torch.ones(1), Info(("b",)))


def test_a_second_setup_keeps_what_was_learned() -> None:
    balancer = UncertaintyWeights(tasks=TASKS)
    parameters = list(balancer.parameters())
    with torch.no_grad():
        parameters[0].fill_(2.0)
    balancer.setup(TASKS)
    assert all(a is b for a, b in zip(parameters, balancer.parameters(), strict=True))
    assert log_variances(balancer) == [2.0, 0.0]
