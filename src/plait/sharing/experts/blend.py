"""Weighted sums of the outputs of several experts for one input."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from plait.core.features import Features
from plait.networks import weighted_sum
from plait.networks.grids import fitting, pool


class Made:
    """The output of one expert for one input; lives for one pass.

    Args:
        values: `[B, C, ...]`, or `[B, ..., C]` if `channel_dim` is -1.
        channel_dim: the axis of the channels, 1 or -1.
        mask: boolean `[B, N]` of the real positions, if there is one; it counts for values with N
            of them.
    """

    def __init__(self, values: Tensor, channel_dim: int = 1, mask: Tensor | None = None) -> None:
        self.values = values
        self.channel_dim = channel_dim
        self.mask = mask
        self._pooled: Tensor | None = None

    def pooled(self) -> Tensor:
        """Returns the mean over the positions, `[B, C]`; computed once."""
        if self._pooled is None:
            mask = fitting(self.mask, self.values, self.channel_dim)
            self._pooled = pool(Features((self.values,), self.channel_dim, mask))
        return self._pooled


class Blend:
    """The outputs of several experts for one input, and their weighted sums; lives for one pass.

    Args:
        made: of each expert, all of one shape.
    """

    def __init__(self, made: Sequence[Made]) -> None:
        self.made = made
        self._mean: Tensor | None = None
        self._stacked: Tensor | None = None

    def by(self, weights: Tensor) -> Tensor:
        """Returns sum_e weights_e f_e for weights `[B, E]`, or `[E]` for all examples alike."""
        return self.all_by([weights])[0]

    def all_by(self, weights: Sequence[Tensor]) -> list[Tensor]:
        """Returns the sums for several gates at once; in the graph each may depend on all of them.

        Vectors are stacked once and multiplied as matrices. Two of them, and maps and tokens, are
        added up one by one, which copies none of them and keeps their layout in memory.
        """
        first = self.made[0].values
        # under autocast, a softmax is in float32
        each = [w.to(first.dtype).expand(first.shape[0], -1) for w in weights]
        if first.dim() == 2 and (len(self.made) > 2 or len(each) > 1):
            return [*torch.bmm(torch.stack(each, dim=1), self._stack()).unbind(dim=1)]
        return [self._sum(w) for w in each]

    def mean(self) -> Tensor:
        """Returns the mean over the experts of their pooled outputs, `[B, C]`; computed once."""
        if self._mean is None:
            self._mean = torch.stack([made.pooled() for made in self.made]).mean(dim=0)
        return self._mean

    def _stack(self) -> Tensor:
        if self._stacked is None:
            self._stacked = torch.stack([made.values for made in self.made], dim=1)
        return self._stacked

    def _sum(self, weights: Tensor) -> Tensor:
        values = [made.values for made in self.made]
        trailing = (1,) * (values[0].dim() - 1)
        return weighted_sum([w.view(-1, *trailing) for w in weights.unbind(dim=-1)], values)
