"""One step of a joined parameter, by hand."""

from typing import Any

import torch
from torch import nn

from plait.networks.joined import Joined
from plait.training.joined.hooks import Hooks, step
from plait.training.joined.rules import RULES


def joined() -> Joined:
    return Joined({task: nn.Parameter(torch.zeros(2)) for task in "abc"})


def test_a_step_with_momentum_moves_what_is_present() -> None:
    made, state = joined(), dict[str, Any]()
    optimizer = torch.optim.SGD([made.whole], lr=1.0, momentum=0.5)
    for rows in ([0, 2], [0]):
        made.whole.grad = None
        made.add(rows, [torch.ones(2) for _ in rows])
        assert made.whole.grad is not None
        step(made, made.whole.grad, RULES[torch.optim.SGD], optimizer.param_groups[0], state)
    assert made.whole.tolist() == [[-2.5, -2.5], [0, 0], [-1, -1]]
    assert state["momentum_buffer"].tolist() == [[1.5, 1.5], [0, 0], [1, 1]]
    assert state["step"].tolist() == [2, 0, 1]


def test_without_momentum_nothing_is_remembered() -> None:
    made, state = joined(), dict[str, Any]()
    optimizer = torch.optim.SGD([made.whole], lr=1.0)
    step(made, torch.ones(3, 2), RULES[torch.optim.SGD], optimizer.param_groups[0], state)
    assert made.whole.tolist() == [[-1, -1]] * 3
    assert state == {}


def test_an_optimizer_passes_over_what_is_joined_and_steps_the_rest() -> None:
    made, other = joined(), nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([made.whole, other], lr=1.0)
    hooks = Hooks(optimizer)
    seen: list[Any] = []
    optimizer.register_step_pre_hook(lambda *_: seen.append(made.whole.grad))
    other.grad = torch.ones(1)
    made.add([1], [torch.ones(2)])
    gradient = made.whole.grad
    optimizer.step()
    assert seen == [None]
    assert made.whole.grad is gradient
    assert made.whole.tolist() == [[0, 0], [-1, -1], [0, 0]]
    assert other.item() == -1
    optimizer.zero_grad()
    optimizer.step()
    assert made.whole.tolist() == [[0, 0], [-1, -1], [0, 0]]
    hooks.remove()
    made.whole.grad = torch.ones(3, 2)
    optimizer.step()
    assert made.whole.tolist() == [[-1, -1], [-2, -2], [-1, -1]]


def test_a_closure_runs_once_and_its_loss_is_returned() -> None:
    made, calls = joined(), []
    optimizer = torch.optim.SGD([made.whole], lr=1.0)
    Hooks(optimizer)

    def closure() -> float:
        calls.append(torch.is_grad_enabled())
        made.parts[0].sum().backward()
        return 3.0

    for given in (optimizer.step(closure), optimizer.step(closure=closure)):
        assert given == 3.0
    assert calls == [True, True]
    assert made.whole.tolist() == [[-3, -3], [0, 0], [0, 0]]  # the gradient was not forgotten
