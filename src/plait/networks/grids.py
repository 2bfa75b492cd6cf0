"""Values on grids: pooled to one vector, resampled onto another grid, averaged to one number.

A mask tells the real positions of padded tokens; a NaN in the padding never reaches a result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from plait.core.errors import ShapeError
from plait.core.features import Features

Pooling = Literal["mean", "max"]
Resampling = Literal["area", "bilinear", "mean", "max"]
WINDOWS: dict[str, list[Callable[..., Tensor]]] = {
    "mean": [F.avg_pool1d, F.avg_pool2d, F.avg_pool3d],
    "max": [F.max_pool1d, F.max_pool2d, F.max_pool3d],
}
ADAPTIVE: dict[str, list[Callable[..., Any]]] = {
    "mean": [F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d],
    "max": [F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d],
}


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
    if pooling == "max" and not tokens.shape[1]:
        return tokens.new_zeros(len(tokens), tokens.shape[2])
    if pooling == "max":
        return tokens.where(real, -torch.inf).amax(dim=1).where(real.any(dim=1), 0.0)
    total = tokens.where(real, 0.0).sum(dim=1)
    return total / real.sum(dim=1).clamp(min=1)


def resample(
    values: Tensor,
    grid: Sequence[int],
    *,
    channel_dim: int = 1,
    by: Resampling = "area",
    mask: Tensor | None = None,
) -> Tensor:
    """Returns values on another grid; the channels stay.

    On the same grid they are returned as they are. A vector is spread over the grid. Where the
    grids have different numbers of axes, such as tokens that become a map, the mean over the (real)
    positions is spread, or returned if the grid is empty.

    Args:
        values: `[B, C]`, `[B, C, *grid]`, or `[B, *grid, C]` if `channel_dim` is -1.
        grid: the sizes that are wanted, such as (H, W); empty for a vector.
        channel_dim: axis of the channels, 1 or -1.
        by: how a map gets onto a grid with as many axes. "area" averages what each new cell covers,
            on grids of two axes, and spreads the mean on others; "bilinear" interpolates, on two
            axes; "mean" and "max" pool over windows where the grid becomes coarser, and repeat the
            nearest value where it becomes finer, on one to three axes.
        mask: boolean `[B, N]` of the real positions; it counts for values with N of them.

    Example:
        >>> import torch
        >>> resample(torch.ones(2, 5), (3, 4)).shape
        torch.Size([2, 5, 3, 4])
        >>> resample(torch.tensor([[[1.0, 5.0]]]), (1,), by="max")
        tensor([[[5.]]])
    """
    x, wanted = values.movedim(channel_dim, 1), tuple(map(int, grid))
    mine = tuple(x.shape[2:])
    if mine == wanted:
        return values
    if mine and len(mine) == len(wanted) and (by != "area" or len(mine) == 2):
        return _regridded(x, wanted, by).movedim(1, channel_dim)
    mean = pool(Features((values,), channel_dim, fitting(mask, values, channel_dim)))
    spread = mean.reshape(*mean.shape, *[1] * len(wanted)).expand(*mean.shape, *wanted)
    return spread.movedim(1, channel_dim)


def _regridded(maps: Tensor, grid: tuple[int, ...], by: Resampling) -> Tensor:
    """Returns maps `[B, C, ...]` on a grid of as many axes."""
    if by == "area":
        return F.adaptive_avg_pool2d(maps, (grid[0], grid[1]))
    if by == "bilinear":
        return F.interpolate(maps, size=grid, mode="bilinear", align_corners=False)
    pairs, axes = list(zip(maps.shape[2:], grid, strict=True)), len(grid)
    ratios = [old // new for old, new in pairs]
    if all(old == new * ratio for (old, new), ratio in zip(pairs, ratios, strict=True)):
        return WINDOWS[by][axes - 1](maps, ratios, ratios)
    if all(old >= new for old, new in pairs):
        pooled: Tensor = ADAPTIVE[by][axes - 1](maps, grid)
        return pooled
    return F.interpolate(maps, size=grid, mode="nearest")


def fitting(mask: Tensor | None, values: Tensor, channel_dim: int) -> Tensor | None:
    """Returns a mask that has one entry for each position of the values; None for any other.

    Inside an encoder that pools its positions, such as one of sounds, levels have fewer of them.
    """
    fits = mask is not None and mask.shape == values.movedim(channel_dim, -1).shape[:-1]
    return mask if fits else None


def mean_over(values: Tensor, channel_dim: int, mask: Tensor | None) -> Tensor:
    """Returns the mean of all entries, a scalar; of tokens over the real positions of the mask.

    Args:
        values: `[B, C]`, `[B, C, ...]` or `[B, ..., C]`.
        channel_dim: axis of the channels, 1 or -1.
        mask: boolean `[B, N]`, or None; 0 is returned where it has no real position. A mask of
            another shape than that of the positions does not count.

    Example:
        >>> import torch
        >>> values = torch.tensor([[[1.0], [5.0]]])
        >>> mean_over(values, -1, torch.tensor([[True, False]])).item()
        1.0
    """
    own = fitting(mask, values, channel_dim)
    if own is None:
        return values.mean()
    rows, real = values.movedim(channel_dim, -1), own.unsqueeze(-1)
    # where, not a product: NaN of a padded position must not spread
    return rows.where(real, 0.0).sum() / (real.sum() * rows.shape[-1]).clamp(min=1)
