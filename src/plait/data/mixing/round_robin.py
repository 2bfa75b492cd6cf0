"""The sources in turn."""

from __future__ import annotations

import torch
from torch import Tensor

from plait.data.mixing.base import Sizes, check_lengths
from plait.data.mixing.bases.in_turn import InTurn


class RoundRobin(InTurn):
    """Takes the sources in turn, one in each step.

    An epoch ends with the round in which the longest source, that of most batches, is through;
    shorter ones start anew until then. A source that ends before the epoch is an error, since the
    turns could not be kept.

    Example:
        >>> from plait.data.mixing.base import Size
        >>> sizes = {"a": Size(60, 2, 30), "b": Size(30, 3, 10)}
        >>> RoundRobin().steps(sizes), RoundRobin().shares_of(sizes)
        (6, {'a': 0.75, 'b': 0.25})
    """

    strict = True

    def steps(self, sizes: Sizes) -> int:
        """Returns the sources times the batches of the longest one."""
        check_lengths(sizes)
        return len(sizes) * max(size.batches or 0 for size in sizes.values())

    def turns(self, sizes: Sizes) -> dict[str, float]:
        """Returns 1 / S for each source."""
        return dict.fromkeys(sizes, 1 / len(sizes))

    def order(self, sizes: Sizes, steps: int, seed: int) -> Tensor:
        """Returns 0, 1, .., S - 1, 0, 1, ..: `[steps, 1]`."""
        return (torch.arange(steps) % len(sizes))[:, None]

    def rule(self) -> str:
        """Says that the sources take turns."""
        return "the sources in turn, until the longest is through; shorter ones start anew"
