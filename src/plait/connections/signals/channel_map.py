"""Signals that fit: from the channels and positions of one task to those of another."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from plait.core.features import Features, FeatureShape
from plait.networks.grids import resample


class ChannelMap(nn.Module):
    """A linear map of the channels, the same at every position: Linear, or a convolution 1x1.

    Args:
        fan_in: channels that it reads.
        fan_out: channels that it gives.
        channel_dim: their axis, 1 or -1.
        bias: whether it has one.
    """

    def __init__(self, fan_in: int, fan_out: int, channel_dim: int, *, bias: bool = True) -> None:
        super().__init__()
        self.linear = nn.Linear(fan_in, fan_out, bias=bias)
        self.channel_dim = channel_dim

    def forward(self, signal: Tensor) -> Tensor:
        """Returns the signal with `fan_out` channels."""
        out: Tensor = self.linear(signal.movedim(self.channel_dim, -1))
        return out.movedim(-1, self.channel_dim)


def onto(
    signal: Tensor, axis: int, like: Tensor, channel_dim: int, mask: Tensor | None = None
) -> Tensor:
    """Lays a signal onto the positions of another tensor.

    The same positions are kept; maps are averaged onto the other grid, or repeated where it is
    finer; all else is averaged over its positions, and that is given to every position.

    Args:
        signal: `[B, K]`, `[B, K, ...]` or `[B, ..., K]`; `[B]` is one channel.
        axis: of the channels of the signal, 1 or -1.
        like: the tensor whose positions are wanted.
        channel_dim: the axis of its channels, which is that of the result too.
        mask: boolean `[B, N]` of the real positions, if the signal has N of them and is averaged.

    Example:
        >>> import torch
        >>> onto(torch.ones(2, 5), 1, torch.zeros(2, 7, 3), -1).shape
        torch.Size([2, 7, 5])
    """
    signal = signal.unsqueeze(1) if signal.dim() == 1 else signal
    wanted = like.movedim(channel_dim, 1).shape[2:]
    return resample(signal, wanted, channel_dim=axis, mask=mask).movedim(axis, channel_dim)


def precise(values: Tensor) -> Tensor:
    """Returns values in float32, or float64 if they are: bfloat16 has three digits.

    Example:
        >>> import torch
        >>> precise(torch.zeros(1, dtype=torch.bfloat16)).dtype
        torch.float32
    """
    return values.to(torch.promote_types(values.dtype, torch.float32))


def widened(shape: FeatureShape, extra: int) -> FeatureShape:
    """Returns the shape with more channels on its last level."""
    last = list(shape.levels[-1])
    last[-1 if shape.channel_dim == -1 else 0] += extra
    return replace(shape, levels=(*shape.levels[:-1], tuple(last)))


def with_last(features: Features, last: Tensor) -> Features:
    """Returns the features with another last level."""
    return Features(
        (*features.levels[:-1], last), features.channel_dim, features.mask, features.grid
    )
