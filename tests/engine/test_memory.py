"""The state that lives across steps: what it keeps alive, and learned weights that have to move."""

import gc
import math
import weakref

import pytest
import torch
from torch import nn

from plait import parameter_groups
from plait.balancing import (
    UncertaintyWeights,
    UPGrad,
)
from plait.core.errors import ConfigError
from plait.engine import backward
from plait.engine.one_line import _memories
from plait.networks.joined import Joined
from tests.engine.small import losses_at, small
from tests.gradients.slow import gradients_of

# --- lifetimes --------------------------------------------------------------------------------


def test_a_balancer_takes_its_memory_with_it() -> None:
    model, _ = small()
    balancer = UPGrad()
    backward(losses_at(model, torch.randn(6, 5)), balancer)
    memory = weakref.ref(_memories[balancer])
    del balancer
    gc.collect()
    assert memory() is None


def test_a_balancer_keeps_no_model_alive() -> None:
    balancer = UPGrad()
    sizes = []
    for _ in range(3):  # as a study would that tries one balancer on model after model
        model, _ = small()
        for _ in range(2):
            backward(losses_at(model, torch.randn(6, 5)), balancer)
        sizes.append(_memories[balancer].rows.jacobian.shape[1])
        gone = weakref.ref(model["trunk"].weight)
        del model
        gc.collect()
        assert gone() is None
    assert sizes == [24, 24, 24]


def test_inputs_that_need_a_gradient_do_not_pile_up() -> None:
    """They are leaves that all tasks reach, and new ones in every step."""
    model, _ = small()
    balancer = UPGrad()
    for _ in range(4):
        x = torch.randn(6, 5, requires_grad=True)
        backward(losses_at(model, x), balancer)
        assert x.grad is not None
        del x
    balancer_rows = _memories[balancer].rows
    balancer_rows.reset()
    assert sum(parameter.numel() for parameter in balancer_rows.layout.shared) == 24


# --- learned weights --------------------------------------------------------------------------


def test_a_method_that_learns_has_to_know_its_tasks() -> None:
    model, _ = small()
    with pytest.raises(ConfigError, match=r"Name its tasks \(`tasks=\[\.\.\.\]`\)"):
        backward(losses_at(model, torch.randn(6, 5)), UncertaintyWeights())


def test_learned_weights_in_no_optimizer_are_an_error_at_the_second_step() -> None:
    model, _ = small()
    x, balancer = torch.randn(6, 5), UncertaintyWeights(tasks=("a", "b", "c"))
    others = torch.optim.SGD(model.parameters(), lr=0.1)
    backward(losses_at(model, x), balancer)
    others.step()
    model.zero_grad()
    with pytest.raises(
        ConfigError, match=r"UncertaintyWeights are in no optimizer\. Make the opti"
    ):
        backward(losses_at(model, x), balancer)
    assert not gradients_of(model.parameters())


def test_learned_weights_that_moved_are_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at all objects takes as long as hundreds of steps of a small network."""

    def never() -> list[object]:
        raise AssertionError("all objects were looked at")

    model, _ = small()
    x, balancer = torch.randn(6, 5), UncertaintyWeights(tasks=("a", "b", "c"))
    optimizer = torch.optim.SGD(parameter_groups(model, balancer, lr=0.1))
    monkeypatch.setattr("plait.engine.memory.gc.get_objects", never)
    for _ in range(120):
        backward(losses_at(model, x), balancer)
        optimizer.step()
        optimizer.zero_grad()


def test_learned_weights_may_wait_for_their_optimizer() -> None:
    """Where gradients are accumulated, or a warm-up begins at the rate 0."""
    model, _ = small()
    x, balancer = torch.randn(6, 5), UncertaintyWeights(tasks=("a", "b", "c"))
    optimizer = torch.optim.SGD(parameter_groups(model, balancer, lr=0.1))
    for _ in range(8):
        backward(losses_at(model, x), balancer)
    optimizer.step()
    for _ in range(120):
        backward(losses_at(model, x), balancer)


def test_learned_weights_that_their_optimizer_never_moves_are_an_error() -> None:
    model, _ = small()
    x, balancer = torch.randn(6, 5), UncertaintyWeights(tasks=("a", "b", "c"))
    optimizer = torch.optim.SGD(parameter_groups(model, balancer, lr=0.1))
    for _ in range(99):
        backward(losses_at(model, x), balancer)
    with pytest.raises(ConfigError, match="UncertaintyWeights have not moved in 100 steps"):
        backward(losses_at(model, x), balancer)
    assert optimizer.param_groups


@pytest.mark.parametrize("through_data", [True, False])
def test_learned_weights_may_be_moved_in_any_way(through_data: bool) -> None:
    """Older optimizers write to `.data`, which leaves no trace in the version of the tensor."""
    model, _ = small()
    x, balancer = torch.randn(6, 5), UncertaintyWeights(tasks=("a", "b", "c"))
    for _ in range(120):
        balancer.zero_grad()
        backward(losses_at(model, x), balancer)
        for s in balancer.parameters():
            assert s.grad is not None
            with torch.no_grad():
                s.data.add_(s.grad, alpha=-0.1) if through_data else s.sub_(0.1 * s.grad)


def test_learned_weights_may_be_frozen() -> None:
    model, _ = small()
    x, balancer = torch.randn(6, 5), UncertaintyWeights(tasks=("a", "b", "c"), init=0.7)
    balancer.requires_grad_(False)
    for _ in range(101):
        record = backward(losses_at(model, x), balancer)
    assert record.weights == pytest.approx([0.5 * math.exp(-0.7)] * 3)


def test_other_parameters_may_be_joined_in_their_optimizer() -> None:
    """Those of the model are in it by their whole, so that weights in none are an error still."""
    parts = {task: nn.Parameter(torch.ones(2)) for task in "ab"}
    optimizer = torch.optim.SGD([Joined(parts).whole], lr=0.1)
    balancer = UncertaintyWeights(tasks=("a", "b"))
    losses = {task: part.square().sum() for task, part in parts.items()}
    backward(losses, balancer)
    with pytest.raises(ConfigError, match="UncertaintyWeights are in no optimizer"):
        backward({task: part.square().sum() for task, part in parts.items()}, balancer)
    assert optimizer.param_groups
