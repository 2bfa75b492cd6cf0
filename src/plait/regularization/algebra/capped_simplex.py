"""Numbers between 0 and 1 with a given sum."""

from __future__ import annotations

import torch
from torch import Tensor


def capped(offsets: Tensor, slopes: Tensor, total: float) -> Tensor:
    """Returns ``clip(slopes x + offsets, 0, 1)`` for the x at which it sums to `total`.

    With slopes of 1 it is the Euclidean projection of the offsets onto the capped simplex
    ``{m: 0 <= m <= 1, sum m = total}``.

    The sum is piecewise linear in x and does not fall, so that x is exact between the two corners
    that enclose `total`. If all numbers that can move are at 1 and do not reach it, the others
    share the rest.

    Args:
        offsets: `[n]`; at most 0 where the slope is 0.
        slopes: `[n]`, at least 0.
        total: between 0 and n.

    Example:
        >>> capped(torch.tensor([0.9, 0.6, -1.0]), torch.ones(3), 1.0)
        tensor([0.6500, 0.3500, 0.0000])
    """
    # One that moves so much slower than the rest that its corners are beyond all numbers stands
    tiny = torch.finfo(slopes.dtype).eps ** 2
    moves = slopes > tiny * slopes.max()
    a, b = slopes[moves], offsets[moves]
    still = len(slopes) - len(a)
    if total >= len(a):
        rest = offsets.new_tensor((total - len(a)) / max(still, 1))
        return torch.where(moves, 1.0, rest)
    corners = torch.cat([-b / a, (1 - b) / a]).sort().values
    sums = (corners[:, None] * a + b).clamp(0, 1).sum(dim=1)
    last = int((sums <= total).sum())  # at the first corner the sum is 0, at the last len(a)
    share = (total - sums[last - 1]) / (sums[last] - sums[last - 1])
    x = corners[last - 1] + share * (corners[last] - corners[last - 1])
    return (slopes * x + offsets).clamp(0, 1)
