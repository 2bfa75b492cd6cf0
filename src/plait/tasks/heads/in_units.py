"""A head whose predictions are in the labels' unit."""

from __future__ import annotations

from torch import Tensor, nn


class InUnits(nn.Module):
    """A head followed by ``mean + scale * output``, so that predictions are in the labels' unit."""

    mean: Tensor
    scale: Tensor

    def __init__(self, head: nn.Module, mean: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.head = head
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)

    def forward(self, features: object) -> Tensor:
        """Returns predictions in the labels' unit."""
        output: Tensor = self.head(features)
        return self.mean + self.scale * output
