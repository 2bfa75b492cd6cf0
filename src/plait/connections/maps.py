"""Linear maps between the channels of stages, and what fits one grid onto another."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F

from plait.core.errors import ShapeError
from plait.core.features import FeatureShape

CONVOLUTIONS: dict[int, type[nn.Conv1d | nn.Conv2d | nn.Conv3d]] = {
    2: nn.Conv1d,
    3: nn.Conv2d,
    4: nn.Conv3d,
}
BATCH_NORMS: dict[int, type[nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d]] = {
    1: nn.BatchNorm1d,
    2: nn.BatchNorm1d,
    3: nn.BatchNorm2d,
    4: nn.BatchNorm3d,
}
POOLS: dict[int, Callable[..., Tensor]] = {
    1: F.adaptive_avg_pool1d,
    2: F.adaptive_avg_pool2d,
    3: F.adaptive_avg_pool3d,
}


def pointwise(fan_in: int, fan_out: int, rank: int, channel_dim: int) -> nn.Module:
    """Returns a linear map of the channels without bias, the same at every position.

    Args:
        fan_in: channels of the input.
        fan_out: channels of the output.
        rank: number of axes without that of the batch: 1 for vectors.
        channel_dim: the axis of the channels, 1 or -1.
    """
    if rank == 1 or channel_dim == -1:
        return nn.Linear(fan_in, fan_out, bias=False)
    return CONVOLUTIONS[rank](fan_in, fan_out, kernel_size=1, bias=False)


def normalisation(channels: int, rank: int, channel_dim: int) -> nn.Module:
    """Returns layer normalisation of tokens, else batch normalisation of momentum 0.05."""
    if rank > 1 and channel_dim == -1:
        return nn.LayerNorm(channels)
    return BATCH_NORMS[rank](channels, momentum=0.05)


def check_fits(source: FeatureShape, level: int, target: FeatureShape, onto: int, who: str) -> None:
    """Raises `ShapeError` for a value that `fit` cannot bring onto another.

    Args:
        source: shapes of the source.
        level: the level of it that is brought.
        target: shapes of the target.
        onto: the level of it onto which it is brought.
        who: method and edge, for the message.
    """
    one, two = source.levels[level], target.levels[onto]
    vector = 1 in (len(one), len(two))
    if not vector and (len(one) != len(two) or source.channel_dim != target.channel_dim):
        raise ShapeError(
            f"{who}: an output {list(one)} of stage {level} (channels on axis "
            f"{source.channel_dim}) cannot be brought onto {list(two)} of stage {onto} (axis "
            f"{target.channel_dim}). Both must be maps, or both tokens, or one of them vectors."
        )


def fit(value: Tensor, like: Tensor, channel_dim: int) -> Tensor:
    """Brings a value onto the grid of another, by averages; the channels stay.

    A vector is repeated at every position; where the other is a vector, all positions are averaged,
    padded ones among them.

    Args:
        value: `[B, C, ...]`, or `[B, ..., C]` if `channel_dim` is -1.
        like: `[B, C', ...]` likewise.
        channel_dim: the axis of the channels of the one that has a grid, 1 or -1.
    """
    grid = like.movedim(channel_dim, 1).shape[2:]
    if value.dim() == 2:
        places = value.reshape(*value.shape, *[1] * len(grid)).expand(*value.shape, *grid)
        return places.movedim(1, channel_dim)
    first = value.movedim(channel_dim, 1)
    if like.dim() == 2:
        return first.flatten(2).mean(dim=2)
    if first.shape[2:] == grid:
        return value
    return POOLS[len(grid)](first, [*grid]).movedim(1, channel_dim)
