"""Losses and penalties before they are differentiated: shapes and graphs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce

import torch
from torch import Tensor

from plait.core.errors import ConfigError, ShapeError


def values_of(scalars: Iterable[Tensor]) -> Tensor:
    """Returns the values `[T]` without a graph, in float32 or the widest dtype among them.

    Args:
        scalars: T of them, at least one, on one device.

    Example:
        >>> values_of([torch.tensor(1.0, dtype=torch.bfloat16), torch.tensor(2.0)])
        tensor([1., 2.])
    """
    values = [scalar.detach() for scalar in scalars]
    dtypes = {value.dtype for value in values}
    if dtypes == {torch.float32}:
        return torch.stack(values)
    dtype = reduce(torch.promote_types, dtypes, torch.float32)
    return torch.stack([value.to(dtype) for value in values])


def check_losses(losses: Mapping[str, Tensor], penalties: Mapping[str, Tensor]) -> None:
    """Checks the scalars of a step by their shapes and graphs; their values stay on the device.

    Args:
        losses: `{task: scalar}`, each with a graph.
        penalties: `{name: scalar}`, with a graph or without; the only one may have the name "".

    Raises:
        ShapeError: one is no scalar.
        ConfigError: a loss depends on no parameter.
    """
    for task, loss in losses.items():
        if loss.dim() != 0:
            raise _no_scalar(f"the loss of task {task!r}", loss)
        if not loss.requires_grad:
            raise ConfigError(
                f"the loss of task {task!r} depends on no parameter that needs a gradient. "
                "Leave the task out of this step, or look for a stray `detach` or `no_grad`."
            )
    for name, penalty in penalties.items():
        if penalty.dim() != 0:
            raise _no_scalar(f"the penalty {name!r}" if name else "the penalty", penalty)


def _no_scalar(what: str, found: Tensor) -> ShapeError:
    return ShapeError(f"{what} must be a scalar; found {list(found.shape)}. Take its mean first.")
