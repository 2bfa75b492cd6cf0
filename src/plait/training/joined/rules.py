"""The steps of SGD, Adam and AdamW at rows of a tensor, in place, with steps counted by row."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

Options = Mapping[str, Any]  # of one group of the optimizer
Memory = Mapping[str, Tensor]  # what the optimizer remembers of the rows, by torch's names

PLAIN = ("amsgrad", "fused", "capturable", "differentiable")  # options that have to be off


class Rule(ABC):
    """A step that acts element by element, in torch's order of operations.

    Where all rows have taken equally many steps it is torch's to the last bit, and elsewhere up to
    rounding.

    Attributes:
        counts: whether torch's own state of a parameter has the number of its steps.
    """

    counts: ClassVar[bool]

    @abstractmethod
    def memory(self, group: Options) -> tuple[str, ...]:
        """Returns the names of what is remembered of each element; steps are counted if any is."""

    @abstractmethod
    def __call__(
        self, value: Tensor, gradient: Tensor, memory: Memory, counts: Tensor, group: Options
    ) -> None:
        """Takes a step.

        Args:
            value: the rows `[n, ...]`; changed in place.
            gradient: in the same shape.
            memory: tensors in the same shape, changed in place; 0 before the first step of a row.
            counts: steps of each row with this one, `[n]`, on the host; empty without a memory.
            group: the options.
        """


class Sgd(Rule):
    """``b <- momentum b + (1 - dampening) g``, b = g in the first step; value <- value - lr b."""

    counts = False

    def memory(self, group: Options) -> tuple[str, ...]:
        """The momentum, if there is any."""
        return ("momentum_buffer",) if group["momentum"] else ()

    def __call__(
        self, value: Tensor, gradient: Tensor, memory: Memory, counts: Tensor, group: Options
    ) -> None:
        """Takes a step; see `Rule`."""
        gradient = _uphill(gradient, group)
        if group["weight_decay"]:
            gradient = gradient.add(value, alpha=group["weight_decay"])
        if group["momentum"]:
            buffer, momentum = memory["momentum_buffer"], group["momentum"]
            buffer.mul_(momentum).add_(gradient, alpha=1 - group["dampening"])
            first = counts == 1
            if bool(first.any()):
                rows = _rows(first, value, torch.bool)
                buffer.copy_(torch.where(rows, gradient, buffer))
            gradient = gradient.add(buffer, alpha=momentum) if group["nesterov"] else buffer
        value.add_(gradient, alpha=-float(group["lr"]))


class Adam(Rule):
    """``m <- b1 m + (1 - b1) g``, ``v <- b2 v + (1 - b2) g^2``; value <- value - lr m' / h.

    After t steps of a row ``m' = m / (1 - b1^t)`` and ``h = sqrt(v / (1 - b2^t)) + eps``.

    Args:
        decoupled: whether weight decay shrinks the value and is no part of g, as in AdamW.
    """

    counts = True

    def __init__(self, *, decoupled: bool = False) -> None:
        self.decoupled = decoupled

    def memory(self, group: Options) -> tuple[str, ...]:
        """The two moving averages."""
        return "exp_avg", "exp_avg_sq"

    def __call__(
        self, value: Tensor, gradient: Tensor, memory: Memory, counts: Tensor, group: Options
    ) -> None:
        """Takes a step; see `Rule`."""
        gradient, lr = _uphill(gradient, group), float(group["lr"])
        (b1, b2), decay = map(float, group["betas"]), group["weight_decay"]
        if decay and (self.decoupled or group.get("decoupled_weight_decay")):
            value.mul_(1 - lr * decay)
        elif decay:
            gradient = gradient.add(value, alpha=decay)
        mean, square = memory["exp_avg"], memory["exp_avg_sq"]
        mean.lerp_(gradient, 1 - b1)
        square.mul_(b2).addcmul_(gradient, gradient, value=1 - b2)
        least, most = (float(end) for end in counts.aminmax())
        if least == most:
            root = square.sqrt() / (1 - b2**most) ** 0.5
            value.addcdiv_(mean, root.add_(group["eps"]), value=-lr / (1 - b1**most))
            return
        steps, wide = counts.double(), torch.promote_types(value.dtype, torch.float32)
        root = square.sqrt() / _rows((1 - b2**steps) ** 0.5, value, wide)
        value.sub_(mean * _rows(lr / (1 - b1**steps), value, wide) / root.add_(group["eps"]))


RULES: Mapping[type, Rule] = {
    torch.optim.SGD: Sgd(),
    torch.optim.Adam: Adam(),
    torch.optim.AdamW: Adam(decoupled=True),
}


def why_no_rule(optimizer: torch.optim.Optimizer) -> str:
    """Returns why the step of an optimizer is not known row by row; empty if it is.

    A class that derives from one of torch's may step in another way.
    """
    name = type(optimizer).__name__
    if type(optimizer) not in RULES:
        return f"{name} is not known to act element by element, as SGD, Adam and AdamW do"
    for group in optimizer.param_groups:
        for option in PLAIN:
            if group.get(option):
                return f"{name} is used with `{option}`"
        if any(isinstance(value, Tensor) for value in (group["lr"], *group.get("betas", ()))):
            return f"a learning rate or a beta of {name} is a tensor"
    return ""


def _uphill(gradient: Tensor, group: Options) -> Tensor:
    return -gradient if group["maximize"] else gradient


def _rows(numbers: Tensor, like: Tensor, dtype: torch.dtype) -> Tensor:
    """Returns one number for each row of a tensor, on its device."""
    return numbers.to(like.device, dtype).view(-1, *[1] * (like.dim() - 1))
