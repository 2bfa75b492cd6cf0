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
) -> None:
    """Checks the scalars of a step; one copy of all of them to the host.

    Args:
        losses: of the tasks.
        penalty: scalars beside them.
        positive: whether the method is not defined for negative losses.

    Raises:
        ShapeError: one is no scalar.
        ConfigError: a loss depends on no parameter, or is negative where it must not be.
        NonFiniteError: one is NaN or infinite; it names the task.
    """
    scalars = {f"the loss of task {task!r}": loss for task, loss in losses.items()}
    if isinstance(penalty, Mapping):
        scalars |= {f"the penalty {name!r}": term for name, term in penalty.items()}
    elif penalty is not None:
        scalars["the penalty"] = penalty
    for what, scalar in scalars.items():
        if scalar.dim() != 0:
            raise ShapeError(
                f"{what} must be a scalar; found {list(scalar.shape)}. Take its mean first."
            )
    for task, loss in losses.items():
        if not loss.requires_grad:
            raise ConfigError(
                f"the loss of task {task!r} depends on no parameter that needs a gradient. "
                "Leave the task out of this step, or look for a stray `detach` or `no_grad`."
            )
    if not scalars:
        return
    values = values_of(scalars.values()).tolist()
    broken = [f"{w} is {v}" for w, v in zip(scalars, values, strict=True) if not math.isfinite(v)]
    if broken:
        raise NonFiniteError(
            f"{', '.join(broken)}; nothing was changed. "
            "Lower the learning rate, clip gradients, or check the task's labels and loss."
        )
    for task, value in zip(losses, values, strict=False):  # penalties come after the losses
        if positive and value < 0:
            raise ConfigError(
                f"the losses must not be negative for this balancer; found {value:g} for task "
                f"{task!r}. Take another loss or balancer."
            )
