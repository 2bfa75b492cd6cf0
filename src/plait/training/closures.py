"""Optimizers that ask for the losses again within a step."""

from __future__ import annotations

import copy
import inspect
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError


def check_closure(optimizer: torch.optim.Optimizer) -> None:
    """Checks that an optimizer steps without a closure, which the Trainer does not have.

    Its signature tells, or a try: a twin of it, on parameters of one element, that fails without a
    closure and steps with one. The optimizer itself and the parameters are not touched.

    Raises:
        ConfigError: it needs a closure.
    """
    step = type(optimizer).step
    closure = inspect.signature(step).parameters.get("closure")
    needed = closure is not None and closure.default is inspect.Parameter.empty
    if needed or _fails_alone(optimizer, step):
        raise ConfigError(
            f"{type(optimizer).__name__} needs a closure that evaluates the losses again, which "
            "the Trainer does not give. Take another optimizer, such as AdamW, or write the loop, "
            "with `plait.backward` in the closure."
        )


def _fails_alone(optimizer: torch.optim.Optimizer, step: Callable[..., Any]) -> bool:
    """Returns whether a twin fails without a closure, and steps with one."""
    try:
        step(_twin(optimizer))
    except Exception:
        twin = _twin(optimizer)
        try:
            step(twin, lambda: _loss(twin))
        except Exception:  # it cannot be tried: its own error comes at the first step
            return False
        return True
    return False


def _loss(twin: torch.optim.Optimizer) -> Tensor:
    """Returns a loss with a graph, differentiated, as a closure does."""
    with torch.enable_grad():
        first = twin.param_groups[0]["params"][0]
        loss: Tensor = 0.0 * first.sum()
        torch.autograd.backward([loss])
        return loss


def _twin(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """Returns an optimizer with the same options and parameters of one element, which are 0."""
    memo: dict[int, Any] = {}
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            small = nn.Parameter(parameter.detach().new_zeros([1] * parameter.dim()))
            small.grad = torch.zeros_like(small)
            memo[id(parameter)] = small
    twin: torch.optim.Optimizer = object.__new__(type(optimizer))
    twin.state = defaultdict(dict)
    for name in vars(optimizer).keys() - {"state"}:
        value = vars(optimizer)[name]
        if name.endswith("_hooks"):
            setattr(twin, name, OrderedDict())
        elif not callable(value):  # such as `step` itself, which a scheduler counts
            setattr(twin, name, copy.deepcopy(value, memo))
    return twin
