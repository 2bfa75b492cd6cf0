"""Losses and penalties before they are differentiated: shapes, graphs, values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import reduce

import torch
from torch import Tensor

from plait.core.errors import ConfigError, NonFiniteError, ShapeError


def values_of(scalars: Iterable[Tensor]) -> Tensor:
    """Returns the values `[T]` without a graph, in float32 or the widest dtype among them.

    Example:
        >>> values_of([torch.tensor(1.0, dtype=torch.bfloat16), torch.tensor(2.0)])
        tensor([1., 2.])
    """
    values = [scalar.detach() for scalar in scalars]
    dtype = reduce(torch.promote_types, (value.dtype for value in values), torch.float32)
    return torch.stack([value.to(dtype) for value in values])


def check_losses(
    losses: Mapping[str, Tensor],
    penalty: Mapping[str, Tensor] | Tensor | None = None,
    *,
    positive: bool = False,
) -> Tensor:
    """Checks the scalars of a step, with one copy of all of them to the host.

    Args:
        losses: of the tasks.
        penalty: scalars beside them.
        positive: whether the method is not defined for negative losses.

    Returns:
        The values `[T]` of the losses, as `values_of` does.

    Raises:
        ShapeError: one is no scalar.
        ConfigError: a loss depends on no parameter, or is negative where it must not be.
        NonFiniteError: one is NaN or infinite; it names the task.
    """
    scalars = [*losses.values(), *_terms(penalty).values()]
    for position, scalar in enumerate(scalars):
        if scalar.dim() != 0:
            raise ShapeError(
                f"{_name(position, losses, penalty)} must be a scalar; found "
                f"{list(scalar.shape)}. Take its mean first."
            )
    for task, loss in losses.items():
        if not loss.requires_grad:
            raise ConfigError(
                f"the loss of task {task!r} depends on no parameter that needs a gradient. "
                "Leave the task out of this step, or look for a stray `detach` or `no_grad`."
            )
    if not scalars:
        return torch.zeros(0)
    found = values_of(scalars)
    values = found.tolist()
    broken = [
        f"{_name(position, losses, penalty)} is {value}"
        for position, value in enumerate(values)
        if not math.isfinite(value)
    ]
    if broken:
        raise NonFiniteError(
            f"{', '.join(broken)}; nothing was changed. "
            "Lower the learning rate, clip gradients, or check the task's labels and loss."
        )
    if positive and min(values[: len(losses)], default=0.0) < 0:
        task, value = next((t, v) for t, v in zip(losses, values, strict=False) if v < 0)
        raise ConfigError(
            f"the losses must not be negative for this balancer; found {value:g} for task "
            f"{task!r}. Take another loss or balancer."
        )
    return found[: len(losses)]


def _terms(penalty: Mapping[str, Tensor] | Tensor | None) -> Mapping[str, Tensor]:
    if isinstance(penalty, Mapping):
        return penalty
    return {} if penalty is None else {"": penalty}


def _name(
    position: int, losses: Mapping[str, Tensor], penalty: Mapping[str, Tensor] | Tensor | None
) -> str:
    """Returns what a message calls the scalar at a position: losses first, then penalties."""
    if position < len(losses):
        return f"the loss of task {list(losses)[position]!r}"
    name = list(_terms(penalty))[position - len(losses)]
    return f"the penalty {name!r}" if name else "the penalty"
