"""Policies that draw the source of each step."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from plait.core.seeding import derive_seed
from plait.data.mixing.base import Policy, Sizes, check_lengths, known_batch_sizes


class Drawn(Policy):
    """A policy that draws one source for each step.

    Where the examples of source i are to have share p_i, and a batch of it has b_i examples in the
    mean, it is drawn with the chance

        q_i = (p_i / b_i) / sum_j (p_j / b_j).

    An epoch has as many steps as give, in the mean, as many examples as all sources together have:
    ceil(N / sum_i q_i b_i).
    """

    def turns(self, sizes: Sizes) -> dict[str, float]:
        """Returns `{source: q_i, the chance that a step draws it}`."""
        batch_sizes = known_batch_sizes(sizes)
        rates = {name: share / batch_sizes[name] for name, share in self.shares_of(sizes).items()}
        total = math.fsum(rates.values())
        return {name: rates[name] / total for name in sizes}

    def steps(self, sizes: Sizes) -> int:
        """Returns ceil(N / sum_i q_i b_i), N the examples of all sources."""
        turns = self.turns(sizes)
        check_lengths(sizes)
        batch_sizes = known_batch_sizes(sizes)
        examples = math.fsum(
            batch_sizes[name] * size.batches
            for name, size in sizes.items()
            if size.batches is not None
        )
        mean = math.fsum(q * batch_sizes[name] for name, q in turns.items())
        return max(1, math.ceil(examples / mean - 1e-9 * examples))

    def order(self, sizes: Sizes, steps: int, seed: int) -> Tensor:
        """Draws the source of each step, `[steps, 1]`."""
        generator = torch.Generator().manual_seed(derive_seed(seed, "sources"))
        chances = torch.tensor([*self.turns(sizes).values()], dtype=torch.float64)
        return torch.multinomial(chances, steps, replacement=True, generator=generator)[:, None]

    def rule(self) -> str:
        """Says that a step draws one source."""
        return "each draws one source; a source that is through starts anew, in another order"
