"""The features that sharing hands to the heads."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Features:
    """The representation that one task reads.

    Attributes:
        levels: the stage outputs, finest first, the final representation last; `[B, C, ...]`, or
            `[B, ..., C]` if `channel_dim` is -1.
        channel_dim: the axis of the channels, 1 or -1.
        mask: boolean `[B, N]`, true at the real positions of a padded input; None without padding.
        grid: height and width of an image input, on which dense heads predict; None otherwise.
    """

    levels: tuple[Tensor, ...]
    channel_dim: int = 1
    mask: Tensor | None = None
    grid: tuple[int, int] | None = None


@dataclass(frozen=True)
class FeatureShape:
    """The shapes of `Features`, without the batch axis, found by a pass on the `meta` device.

    Attributes:
        levels: shape of each level, `(C, ...)`, or `(..., C)` if `channel_dim` is -1.
        channel_dim: the axis of the channels in a batched tensor, 1 or -1.
        dtype: the precision of the levels.
    """

    levels: tuple[tuple[int, ...], ...]
    channel_dim: int = 1
    dtype: torch.dtype = torch.float32

    def channels(self, level: int = -1) -> int:
        """Returns the number of channels of a level."""
        shape = self.levels[level]
        return shape[-1] if self.channel_dim == -1 else shape[self.channel_dim - 1]
