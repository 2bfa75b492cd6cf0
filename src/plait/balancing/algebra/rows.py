"""Weighted sums of gradient rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor


def at_least_single(dtype: torch.dtype) -> torch.dtype:
    """Returns float32 for a half-precision dtype, else `dtype` itself: the dtype to sum in."""
    return torch.promote_types(dtype, torch.float32)


def weighted_sum(weights: Sequence[float], rows: Iterable[Tensor]) -> Tensor:
    """Returns ``sum_i w_i row_i``, in the shape of a row; there must be at least one.

    The rows are neither copied together nor edited.
    """
    total = None
    for weight, row in zip(weights, rows, strict=True):
        total = row * weight if total is None else total.add_(row, alpha=weight)
    assert total is not None
    return total
