"""Numbers as vectors of learned waves."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class PeriodicEmbedding(nn.Module):
    """A vector for each number, of sines and cosines, a linear layer and ReLU.

        p(z) = [sin(2 pi f_k z), cos(2 pi f_k z)],    v(z) = max(0, p(z) W + c)

    Every number has its own frequencies f, W and c, all of which are learned.

    Args:
        numbers: how many, N.
        width: length d of a vector.
        frequencies: K for each number.
        sigma: standard deviation of the first frequencies; small ones begin smooth.

    Shapes: numbers `[B, N]` to `[B, N d]`.

    Reference: Gorishniy, Rubachev, Babenko, "On Embeddings for Numerical Features in Tabular Deep
        Learning", NeurIPS 2022, section 3.3.
    """

    def __init__(
        self, numbers: int, width: int, *, frequencies: int = 16, sigma: float = 0.1
    ) -> None:
        super().__init__()
        self.sigma = sigma
        self.frequencies = nn.Parameter(torch.empty(numbers, frequencies))
        self.weight = nn.Parameter(torch.empty(numbers, 2 * frequencies, width))
        self.bias = nn.Parameter(torch.empty(numbers, width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws new frequencies and weights, so that a vector's numbers have a variance of 1."""
        nn.init.normal_(self.frequencies, std=self.sigma)
        nn.init.normal_(self.weight, std=self.frequencies.shape[1] ** -0.5)
        nn.init.zeros_(self.bias)

    def encode(self, numbers: Tensor) -> Tensor:
        """Returns the waves p `[B, N, 2 K]`: all sines, then all cosines."""
        angles = 2 * math.pi * self.frequencies * numbers.unsqueeze(2)
        return torch.cat([angles.sin(), angles.cos()], dim=2)

    def forward(self, numbers: Tensor) -> Tensor:
        """Returns the vectors, one after the other."""
        mapped = torch.einsum("bnk,nkd->bnd", self.encode(numbers), self.weight)
        return torch.relu(mapped + self.bias).flatten(1)
