"""From maps and tokens to one vector for each example."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from plait.core.errors import ShapeError
from plait.core.features import Features

Pooling = Literal["mean", "max"]


def pool(features: Features, pooling: Pooling = "mean") -> Tensor:
    """Pools the last level over everything but batch and channels: `[B, C]`.

    With a mask, over the real positions only; 0 where an example has none.

    Raises:
        ShapeError: the mask has not one entry for each position of the last level.

    Example:
        >>> import torch
        >>> pool(Features((torch.ones(2, 3, 4, 4),))).shape
        torch.Size([2, 3])
    """
    last = features.levels[-1]
    if last.dim() == 2:
        return last
    if features.mask is None and features.channel_dim == 1 and last.is_contiguous():
        # as below, but the gradient comes back in the layout of the maps
        planes = last.flatten(2)
        return planes.mean(dim=2) if pooling == "mean" else planes.amax(dim=2)
    tokens = last.flatten(2).mT if features.channel_dim == 1 else last.flatten(1, -2)
    if features.mask is None:
        return tokens.mean(dim=1) if pooling == "mean" else tokens.amax(dim=1)
    if features.mask.shape != tokens.shape[:2]:
        raise ShapeError(
            f"the mask must be {list(tokens.shape[:2])}, one entry for each position of the last "
            f"level; found {list(features.mask.shape)}. Use an encoder that keeps the positions, "
            "or that pools them itself."
        )
    real = features.mask.unsqueeze(-1)
    # where, not a product: NaN of a padded position must not spread
    if pooling == "max":
        return tokens.where(real, -torch.inf).amax(dim=1).where(real.any(dim=1), 0.0)
    total = tokens.where(real, 0.0).sum(dim=1)
    return total / real.sum(dim=1).clamp(min=1)
