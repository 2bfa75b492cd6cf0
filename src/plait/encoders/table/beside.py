"""Blocks that act on the first channels and hand the others on."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from plait.encoders.table.dropout import dropout_of


class Beside(nn.Module):
    """Applies layers to the first channels of vectors and hands on the others as they are.

    Args:
        width: channels that the layers read and give.
        layers: vectors `[B, width]` to `[B, width]`.

    Shapes: `[B, width + k]` to `[B, width + k]`, for any k.
    """

    def __init__(self, width: int, *layers: nn.Module) -> None:
        super().__init__()
        self.width = width
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Returns all channels, the first ones mapped."""
        return torch.cat([self.layers(x[:, : self.width]), x[:, self.width :]], dim=1)


class Residual(nn.Module):
    """A block beside a shortcut: norm, linear layer, ReLU, dropout, linear layer, dropout.

        h + B max(0, A norm(h) + a) + b

    Args:
        width: channels.
        dropout: share of the channels that are left out in training, 0 to 1.

    Differs: layer norm in place of the paper's batch norm, which needs large batches.

    Reference: Gorishniy, Rubachev, Khrulkov, Babenko, "Revisiting Deep Learning Models for Tabular
        Data", NeurIPS 2021.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, width),
            nn.ReLU(),
            dropout_of(dropout),
            nn.Linear(width, width),
            dropout_of(dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Returns the block's channels."""
        out: Tensor = x + self.body(x)
        return out
