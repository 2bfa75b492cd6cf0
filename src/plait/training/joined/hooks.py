"""The steps of an optimizer at joined parameters, row by row, and none where a task is absent."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from plait.networks.joined import Joined, joined_of
from plait.training.joined.rules import RULES, Options, Rule

Waiting = list[tuple[Joined, Tensor, Options]]


class Hooks:
    """Steps joined parameters in the place of their optimizer, in each of its steps.

    Before a step the gradients of joined parameters are laid aside, so that the optimizer passes
    over them; after it they are stepped by the same rule, row by row, and have their gradients
    back. Learning rates, schedulers and `torch.amp.GradScaler` see the step of an optimizer.

    Args:
        optimizer: of a class in `RULES`, which holds the `whole` of what is joined.
    """

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self._waiting: Waiting = []
        self._handles = (
            optimizer.register_step_pre_hook(self._before),
            optimizer.register_step_post_hook(self._after),
        )

    def remove(self) -> None:
        """Leaves the steps to the optimizer again."""
        for handle in self._handles:
            handle.remove()

    def _before(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> Any:
        """Lays the gradients aside, after the closure has made them where one is given."""
        closure = args[1] if len(args) > 1 else kwargs.get("closure")
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self._waiting = []
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                joined, gradient = joined_of(parameter), parameter.grad
                if joined is not None and gradient is not None:
                    self._waiting.append((joined, gradient, group))
                    parameter.grad = None
        return None if closure is None else ((optimizer, lambda: loss), {})

    def _after(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        """Takes the steps, and gives the gradients back."""
        waiting, self._waiting = self._waiting, []
        for joined, gradient, group in waiting:
            if not joined.intact():
                joined.gather()
            step(joined, gradient, RULES[type(optimizer)], group, optimizer.state[joined.whole])
            joined.moved()
            joined.whole.grad = gradient


@torch.no_grad()
def step(
    joined: Joined, gradient: Tensor, rule: Rule, group: Options, state: dict[str, Tensor]
) -> None:
    """Takes a step at the rows that have a gradient; the others keep value and memory bitwise.

    Args:
        joined: whose whole is moved.
        gradient: `[T, ...]`.
        rule: of the optimizer.
        group: its options.
        state: what it remembers of the whole; changed in place. Beside the memory of the rule it
            has `step` `[T]`, the steps of each row, on the host.
    """
    value, names = joined.whole.detach(), rule.memory(group)
    for name in names:
        if name not in state:
            state[name] = torch.zeros_like(value)
    memory = {name: state[name] for name in names}
    counts = torch.zeros(0)
    if names:
        counts = state["step"] = state.get("step", torch.zeros(len(value))).cpu()
    if joined.present is None:
        counts += 1
        rule(value, gradient, memory, counts, group)
        return
    rows = torch.tensor(sorted(joined.present))
    place = rows.to(value.device)
    if names:
        counts[rows] += 1
        counts = counts[rows]
    own = {name: each.index_select(0, place) for name, each in memory.items()}
    moved = value.index_select(0, place)
    rule(moved, gradient.index_select(0, place), own, counts, group)
    value.index_copy_(0, place, moved)
    for name, each in own.items():
        memory[name].index_copy_(0, place, each)
