"""Context by reading a sentence forwards and backwards."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Recurrence(nn.Module):
    """Two gated recurrent units, one that reads a sentence forwards, one that reads it backwards.

    Each reads the real tokens alone, wherever the padding is: they are moved to the front, in
    their order or in the reverse one, and their states back to their places. So nothing is asked
    of the lengths on the host, and padding costs what a token costs.

    Args:
        fan_in: length of a token's vector.
        width: length of what is given, half of it by each unit; an even number.

    Shapes: tokens `[B, L, fan_in]` to `[B, L, width]`, 0 in the padding.

    References: Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for
        Statistical Machine Translation", EMNLP 2014; Schuster, Paliwal, "Bidirectional Recurrent
        Neural Networks", IEEE Transactions on Signal Processing 45, 1997.
    """

    masked = True

    def __init__(self, fan_in: int, width: int) -> None:
        super().__init__()
        self.forwards = nn.GRU(fan_in, width // 2, batch_first=True)
        self.backwards = nn.GRU(fan_in, width // 2, batch_first=True)

    def train(self, mode: bool = True) -> Recurrence:
        """Sets the mode; the units, which do the same in both, stay in that of training.

        CUDA's library for such units gives gradients in that mode alone.
        """
        super().train(mode)
        for unit in (self.forwards, self.backwards):
            unit.train()
        return self

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns the states of both units at each token."""
        if not tokens.shape[1]:  # sentences without a word; torch's units need one
            return tokens.new_zeros(len(tokens), 0, 2 * self.forwards.hidden_size)
        if mask is None:
            ahead = self.forwards(tokens)[0]
            back = self.backwards(tokens.flip(1))[0].flip(1)
            return torch.cat([ahead, back], dim=-1)
        rank = mask.cumsum(dim=1)  # of a real token, from 1
        length = rank[:, -1:]
        padding = length + (~mask).cumsum(dim=1) - 1  # behind the real tokens
        ahead = _read(self.forwards, tokens, torch.where(mask, rank - 1, padding))
        back = _read(self.backwards, tokens, torch.where(mask, length - rank, padding))
        return torch.cat([ahead, back], dim=-1).masked_fill(~mask.unsqueeze(-1), 0)


def _read(unit: nn.Module, tokens: Tensor, place: Tensor) -> Tensor:
    """Returns the states of a unit that reads each token at its place `[B, L]`."""
    states: Tensor = unit(_taken(tokens, place.argsort(dim=1)))[0]
    return _taken(states, place)


def _taken(tokens: Tensor, places: Tensor) -> Tensor:
    """Returns the tokens of each example in another order."""
    first = torch.arange(len(tokens), device=tokens.device).unsqueeze(1) * tokens.shape[1]
    rows = tokens.flatten(0, 1).index_select(0, (places + first).flatten())
    return rows.view_as(tokens)
