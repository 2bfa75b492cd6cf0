"""Logarithms of losses that may be zero."""

from __future__ import annotations

import torch
from torch import Tensor


def vanished(losses: Tensor) -> Tensor:
    """Returns a mask in the shape of `losses`: True where a loss is zero or 1/L would overflow.

    Such a loss cannot fall any further, so its task has nothing to say about the step. A threshold
    that counts in any unit of the losses would make a method depend on that unit.
    """
    return losses.abs() < torch.finfo(losses.dtype).tiny


def log_losses(losses: Tensor) -> Tensor:
    """Returns log L in the shape of `losses`; 0, without slope, for a loss that has `vanished`.

    Such a loss therefore gets the weight 0.

    Example:
        >>> losses = torch.tensor([0.0, 0.5], requires_grad=True)
        >>> torch.autograd.grad(log_losses(losses).sum(), losses)[0]
        tensor([0., 2.])
    """
    return torch.where(vanished(losses), 1.0, losses).log()
