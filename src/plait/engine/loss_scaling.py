"""Losses that `torch.amp.GradScaler` has scaled, and the overflow that it waits for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from plait.networks.joined import held

PRODUCT = "MulBackward0"


def are_scaled(losses: Mapping[str, Tensor]) -> bool:
    """Returns whether every loss is a product with one and the same scalar, as a scaler makes it.

    That scalar is a tensor without a gradient; a factor that is a number of Python is none.

    Example:
        >>> scaler, w = torch.amp.GradScaler("cpu"), torch.ones((), requires_grad=True)
        >>> losses = {"a": w.exp(), "b": w.square()}
        >>> are_scaled(losses), are_scaled({name: scaler.scale(l) for name, l in losses.items()})
        (False, True)
    """
    found = {_factor(loss) for loss in losses.values()}
    return len(found) == 1 and None not in found


def _factor(loss: Tensor) -> int | None:
    """Returns the address of the factor of a loss; None if it is no such product."""
    node = loss.grad_fn
    if node is None or node.name() != PRODUCT:
        return None
    factor = node._saved_other  # type: ignore[attr-defined]
    plain = factor is not None and factor.dim() == 0 and not factor.requires_grad
    return factor.data_ptr() if plain else None


def tell_overflow(parameters: Iterable[Tensor]) -> None:
    """Writes NaN to `.grad`: a scaler then leaves out the step, and lowers its scale."""
    for parameter in dict.fromkeys(map(held, parameters)):
        parameter.grad = torch.full_like(parameter, torch.nan)
