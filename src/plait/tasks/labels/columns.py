"""Counts the labels of several tasks, the columns of one tensor, at once."""

from __future__ import annotations

import torch
from torch import Tensor

EXACT = 2**29  # so many float32 numbers of one size have an exact sum in float64


def counts_of(known: Tensor, missing: Tensor, weights: Tensor | None = None) -> list[float | None]:
    """Counts the labels of each task.

    Args:
        known: `[B, T, ...]`, whether a label is there, and one that its task allows.
        missing: in the same shape, whether it is missing.
        weights: in the same shape, of the labels that are known; each counts 1 by default.

    Returns:
        for each task the mass of its labels; None if one of them is neither known nor missing.

    Example:
        >>> labels = torch.tensor([[1.0, 2.0], [torch.nan, torch.inf]])
        >>> counts_of(labels.isfinite(), labels.isnan())
        [1.0, None]
    """
    axes = [axis for axis in range(known.dim()) if axis != 1]
    mass = known.sum(axes) if weights is None else (known * weights).sum(axes, dtype=torch.float64)
    seen, every = (known | missing).sum(axes), known[:, :1].numel()
    return [
        float(n) if all_ == every else None
        for n, all_ in zip(mass.tolist(), seen.tolist(), strict=True)
    ]


def add_up_exactly(weights: Tensor, labels: int) -> bool:
    """Whether so many weights have one sum, in whichever order they are added up in float64.

    Args:
        weights: of the classes.
        labels: how many of them are added up.
    """
    positive = weights[weights > 0]
    if weights.dtype != torch.float32 or positive.numel() == 0:
        return False
    low, high = positive.aminmax()
    return float(high) * labels <= float(low) * EXACT
