"""Losses and penalties before they are differentiated: shapes and graphs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from plait.core.annotations import shown
from plait.core.errors import ConfigError, ShapeError
from plait.core.outputs import Losses


def roots(losses: Mapping[str, Tensor]) -> list[Tensor]:
    """Returns the tensors where the graph of losses begins: T scalars, or the vector `[T]` of all.

    Example:
        >>> roots({"a": torch.tensor(1.0), "b": torch.tensor(2.0)})
        [tensor(1.), tensor(2.)]
    """
    stacked = losses.stacked if isinstance(losses, Losses) else None
    return list(losses.values()) if stacked is None else [stacked]


def values_of(scalars: Iterable[Tensor]) -> Tensor:
    """Returns the values `[T]` without a graph, in float32 or the widest dtype among them.

    Args:
        scalars: T of them, at least one, on one device; or vectors, of T entries in all.

    Example:
        >>> values_of([torch.tensor(1.0, dtype=torch.bfloat16), torch.tensor(2.0)])
        tensor([1., 2.])
    """
    values = [scalar.detach() for scalar in scalars]
    if any(value.dim() for value in values):
        wide = [value.to(torch.promote_types(value.dtype, torch.float32)) for value in values]
        return wide[0] if len(wide) == 1 else torch.cat([value.reshape(-1) for value in wide])
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
        ConfigError: a loss depends on no parameter, or one of them is no tensor.
    """
    try:
        _check_tensors(losses, penalties)
    except AttributeError:  # asked for here, so that no step asks each loss what it is
        _refuse_others(losses, penalties)
        raise


def _check_tensors(losses: Mapping[str, Tensor], penalties: Mapping[str, Tensor]) -> None:
    stacked = losses.stacked if isinstance(losses, Losses) else None
    whole = stacked is not None and stacked.requires_grad
    for task, loss in () if whole else losses.items():
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


def unnamed(losses: Any) -> ConfigError:
    """Returns the error for losses that are no dict."""
    found = shown(losses)
    if isinstance(losses, list | tuple) and any(isinstance(each, Tensor) for each in losses):
        found = "losses without names"
    return ConfigError(
        f"`losses` must be a dict {{task: loss}}; found {found}. Name them: "
        '`plait.backward({"a": loss_a, "b": loss_b}, balancer)`.'
    )


def refuse_complex(losses: Mapping[str, Tensor]) -> None:
    """Raises `ConfigError` for a loss that is a complex number."""
    for task, loss in losses.items():
        if loss.is_complex():
            raise ConfigError(
                f"the loss of task {task!r} must be a real number; found {loss.dtype}. Take "
                "`.abs().square()` of what it is the mean of."
            )


def _refuse_others(losses: Mapping[str, Any], penalties: Mapping[str, Any]) -> None:
    """Raises `ConfigError` for a loss or a penalty that is no tensor."""
    if not isinstance(losses, Mapping):
        raise unnamed(losses)
    for task, loss in losses.items():
        if not isinstance(loss, Tensor):
            raise ConfigError(
                f"the loss of task {task!r} must be a tensor with a graph; found {shown(loss)}. "
                "Leave a task without a target out of this step."
            )
    for name, penalty in penalties.items():
        if not isinstance(penalty, Tensor):
            raise ConfigError(
                f"the penalty{f' {name!r}' if name else ''} must be a tensor; found "
                f"{shown(penalty)}. Leave it out where there is none."
            )


def _no_scalar(what: str, found: Tensor) -> ShapeError:
    return ShapeError(f"{what} must be a scalar; found {list(found.shape)}. Take its mean first.")
