"""An optimizer's next step as a function of the gradient, taken on copies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from plait.core.errors import ConfigError

Options = Mapping[str, Any]  # of one group of the optimizer
Memory = Mapping[str, Any]  # what the optimizer remembers of one parameter
Step = tuple[Tensor, Tensor]  # the new parameter, and its slope
Rule = Callable[[Tensor, Tensor, Options, Memory], Step]


@torch.no_grad()
def virtual_step(
    optimizer: torch.optim.Optimizer,
    parameters: Sequence[Tensor],
    values: Sequence[Tensor],
    gradient: Sequence[Tensor],
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Takes the optimizer's next step on `values` and changes neither model nor optimizer.

    Args:
        optimizer: SGD, Adam or AdamW of torch, with its present state and the options of each
            group.
        parameters: the model's parameters; one that the optimizer does not hold stays where it is.
        values: the value from which each of them takes the step, in its shape.
        gradient: its gradient at that value.

    Returns:
        The new values, and the elementwise derivative of each by its gradient, in the same shapes.

    Raises:
        ConfigError: another optimizer, or an option that is not supported.
    """
    rule = _rule(optimizer)
    groups = {id(p): group for group in optimizer.param_groups for p in group["params"]}
    steps = [
        rule(value, slope, groups[id(parameter)], optimizer.state.get(parameter, {}))
        if id(parameter) in groups
        else (value.detach(), torch.zeros_like(value))
        for parameter, value, slope in zip(parameters, values, gradient, strict=True)
    ]
    return tuple(new for new, _ in steps), tuple(slope for _, slope in steps)


def check_supported(optimizer: torch.optim.Optimizer) -> None:
    """Raises `ConfigError` if `virtual_step` does not know what the optimizer would do."""
    _rule(optimizer)


def _rule(optimizer: torch.optim.Optimizer) -> Rule:
    # A subclass may step in another way, so the class itself decides
    rule = RULES.get(type(optimizer))
    if rule is None:
        raise ConfigError(
            "a step ahead is known for SGD, Adam and AdamW of torch.optim; found "
            f"{type(optimizer).__name__}. Use one of them, or another balancer."
        )
    for option in ("maximize", "amsgrad"):
        if any(group.get(option) for group in optimizer.param_groups):
            raise ConfigError(
                f"a step ahead is not known for {type(optimizer).__name__} with `{option}`. Turn "
                "it off, or use another balancer."
            )
    return rule


def _sgd(value: Tensor, gradient: Tensor, group: Options, memory: Memory) -> Step:
    """``b <- momentum b + (1 - dampening) g``, b = g in the first step; new = value - lr b."""
    lr, momentum = float(group["lr"]), group["momentum"]
    gradient = gradient + group["weight_decay"] * value
    buffer, factor = gradient, 1.0
    if momentum:
        known = memory.get("momentum_buffer")
        if known is not None:
            factor = 1.0 - group["dampening"]
            buffer = momentum * known + factor * gradient
        if group["nesterov"]:
            buffer, factor = gradient + momentum * buffer, 1.0 + momentum * factor
    return value - lr * buffer, value.new_tensor(-lr * factor).expand_as(value)


def _adam(
    value: Tensor, gradient: Tensor, group: Options, memory: Memory, *, decoupled: bool = False
) -> Step:
    """New = value - lr m / c1 / (sqrt(v / c2) + eps), with the bias corrections c1 and c2.

    Decoupled weight decay shrinks the value first; otherwise it is part of the gradient g. With
    h = sqrt(v / c2) + eps the slope is
    ``-lr / c1 ((1 - b1) / h - m (1 - b2) g / (h^2 sqrt(v c2)))``.
    """
    lr, (b1, b2), eps = float(group["lr"]), group["betas"], group["eps"]
    decay = group["weight_decay"]
    if decoupled or group.get("decoupled_weight_decay"):
        value = value * (1 - lr * decay)
    else:
        gradient = gradient + decay * value
    first, second = memory.get("exp_avg", 0.0), memory.get("exp_avg_sq", 0.0)
    count = float(memory.get("step", 0.0)) + 1
    m = b1 * first + (1 - b1) * gradient
    v = b2 * second + (1 - b2) * gradient.square()
    c1, c2 = 1 - b1**count, 1 - b2**count
    root = v.sqrt()
    scale = root / c2**0.5 + eps
    bend = torch.where(v > 0, m * (1 - b2) * gradient / (scale.square() * root * c2**0.5), 0.0)
    return value - lr / c1 * m / scale, -lr / c1 * ((1 - b1) / scale - bend)


RULES: dict[type, Rule] = {
    torch.optim.SGD: _sgd,
    torch.optim.Adam: _adam,
    torch.optim.AdamW: partial(_adam, decoupled=True),
}
