"""A trunk with heads, whose features can be taken out."""

import torch
from torch import Tensor, nn

from tests.engine.loops import (
    count_passes,
)
from tests.gradients.nets import Losses, heads, losses_of


class Net(nn.Module):
    """One representation, read by three heads."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 4))
        self.heads = heads(4, "abc")
        self.frozen = nn.Linear(4, 4).requires_grad_(False)
        self.unused = nn.Linear(4, 4)
        self.passes: list[int] = []

    def features(self, x: Tensor) -> list[Tensor]:
        hidden = self.trunk[:2](x)
        if hidden.requires_grad:
            count_passes(hidden, self.passes)
        return [self.trunk[2:](hidden)]

    def losses(self, features: list[Tensor]) -> Losses:
        return losses_of(torch.tanh(self.frozen(features[0])), self.heads)

    def upper(self) -> list[Tensor]:
        return list(self.heads.parameters())

    def lower(self) -> list[Tensor]:
        return list(self.trunk.parameters())
