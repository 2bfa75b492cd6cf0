"""Weighted sums of the outputs of several networks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def weighted_sum(weights: Sequence[Tensor], values: Sequence[Tensor]) -> Tensor:
    """Returns sum_i w_i v_i; with weights 1 and 0 it is the value, to the last bit.

    Each product is added where it is formed, so that no product is held in memory.

    Args:
        weights: at least one, each broadcast over its value.
        values: as many, of one shape and dtype, which the sum has too: under autocast, weights may
            be of a wider one.
    """
    (weight, *weights), (value, *values) = weights, values
    total = weight.to(value.dtype) * value
    for weight, value in zip(weights, values, strict=True):
        total = torch.addcmul(total, weight.to(value.dtype), value)
    return total
