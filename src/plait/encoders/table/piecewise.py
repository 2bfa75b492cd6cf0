"""Numbers as vectors that are piecewise linear in them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class PiecewiseEmbedding(nn.Module):
    """A vector for each number, of a piecewise linear encoding, a linear layer and ReLU.

        e_t(z) = (z - b_t) / (b_(t+1) - b_t), clamped to [0, 1],    v(z) = max(0, sum_t e_t W_t + c)

    b are the edges of the number's bins. Every number has its own W and c, so that the network can
    bend where the data are, as trees do.

    Args:
        edges: ascending edges of each number's bins, at least two.
        width: length d of a vector.

    Shapes: numbers `[B, N]` to `[B, N d]`.

    Differs: the paper goes on linearly outside of the outer edges; here the encoding ends there,
        and the number itself is an input as well.

    Reference: Gorishniy, Rubachev, Babenko, "On Embeddings for Numerical Features in Tabular Deep
        Learning", NeurIPS 2022, section 3.2.
    """

    left: Tensor
    rate: Tensor

    def __init__(self, edges: Sequence[Sequence[float]], width: int) -> None:
        super().__init__()
        most = max(len(each) for each in edges) - 1
        left = torch.zeros(len(edges), most)
        rate = torch.zeros(len(edges), most)  # 0 where a number has fewer bins: always 0
        for number, each in enumerate(edges):
            ends = torch.tensor(each, dtype=torch.float64)
            left[number, : len(each) - 1] = ends[:-1]
            rate[number, : len(each) - 1] = 1 / ends.diff()
        self.register_buffer("left", left)
        self.register_buffer("rate", rate)
        self.bins = [len(each) - 1 for each in edges]
        self.weight = nn.Parameter(torch.empty(len(edges), most, width))
        self.bias = nn.Parameter(torch.empty(len(edges), width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws new weights, so that a vector's numbers have a variance of about 1."""
        with torch.no_grad():
            self.weight.normal_()
            for number, bins in enumerate(self.bins):
                self.weight[number, :bins] *= (2 / bins) ** 0.5
                self.weight[number, bins:] = 0  # there is no such bin
            self.bias.uniform_(-1, 1)

    def encode(self, numbers: Tensor) -> Tensor:
        """Returns the encodings e `[B, N, T]`, T the most bins of one; 0 where there are fewer."""
        return ((numbers.unsqueeze(2) - self.left) * self.rate).clamp(0, 1)

    def forward(self, numbers: Tensor) -> Tensor:
        """Returns the vectors, one after the other."""
        mapped = torch.einsum("bnt,ntd->bnd", self.encode(numbers), self.weight)
        return torch.relu(mapped + self.bias).flatten(1)
