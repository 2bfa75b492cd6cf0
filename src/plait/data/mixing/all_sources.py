"""All sources in each step."""

from __future__ import annotations

import torch
from torch import Tensor

from plait.data.mixing.base import Sizes, check_lengths
from plait.data.mixing.bases.in_turn import InTurn


class AllSources(InTurn):
    """Takes a batch of every source in each step; the loss of a task is that of all its labels.

    An epoch ends when the longest source, that of most batches, is through; shorter ones start anew
    until then. Cost: the forward passes of all sources in a step.

    Example:
        >>> from plait.data.mixing.base import Size
        >>> AllSources().steps({"a": Size(60, 2, 30), "b": Size(30, 3, 10)})
        3
    """

    def steps(self, sizes: Sizes) -> int:
        """Returns the batches of the longest source."""
        check_lengths(sizes)
        return max(size.batches or 0 for size in sizes.values())

    def turns(self, sizes: Sizes) -> dict[str, float]:
        """Returns 1 for each source."""
        return dict.fromkeys(sizes, 1.0)

    def order(self, sizes: Sizes, steps: int, seed: int) -> Tensor:
        """Returns 0, 1, .., S - 1 for each step: `[steps, S]`."""
        return torch.arange(len(sizes)).expand(steps, -1)

    def rule(self) -> str:
        """Says that each step reads all sources."""
        return (
            "each has a batch of every source, until the longest is through; shorter ones start "
            "anew"
        )
