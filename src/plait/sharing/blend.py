"""Sums of what several experts made of one input, weighted by gates."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from plait.core.features import Features
from plait.core.pooling import pool


class Blend:
    """The outputs of experts, of one shape, and their weighted sums. Lives for one pass.

    Args:
        outputs: of each expert, `[B, C, ...]`, or `[B, ..., C]` if `channel_dim` is -1.
        channel_dim: the axis of the channels, 1 or -1.
        mask: boolean `[B, N]` of the real positions, if there is one.
    """

    def __init__(
        self, outputs: Sequence[Tensor], channel_dim: int = 1, mask: Tensor | None = None
    ) -> None:
        self.outputs = list(outputs)
        self.channel_dim = channel_dim
        self.mask = mask

    def by(self, weights: Tensor) -> Tensor:
        """Returns sum_e weights_e f_e, in the shape of one output.

        Vectors are stacked once and multiplied as matrices. Maps and tokens are added up one by
        one, which copies none of them and keeps their layout in memory.

        Args:
            weights: `[B, E]`, or `[E]` for all examples alike.
        """
        first = self.outputs[0]
        weights = weights.to(first.dtype)  # under autocast, a softmax is in float32
        if first.dim() == 2:
            if weights.dim() == 1:
                return torch.matmul(weights, self._stack)
            return torch.bmm(weights.unsqueeze(1), self._stack).squeeze(1)
        trailing = (1,) * (first.dim() - weights.dim() + 1)
        shares = [share.view(*share.shape, *trailing) for share in weights.unbind(-1)]
        total = first * shares[0]
        for output, share in zip(self.outputs[1:], shares[1:], strict=True):
            total = torch.addcmul(total, output, share)
        return total

    @cached_property
    def mean(self) -> Tensor:
        """The mean over the experts of their pooled outputs, `[B, C]`."""
        if self.outputs[0].dim() == 2:
            return self._stack.mean(dim=1)
        pooled = [pool(Features((each,), self.channel_dim, self.mask)) for each in self.outputs]
        return torch.stack(pooled).mean(dim=0)

    @cached_property
    def _stack(self) -> Tensor:
        return torch.stack(self.outputs, dim=1)
