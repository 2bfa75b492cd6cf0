"""Networks of low rank, with whole tasks as exceptions."""

from __future__ import annotations

import torch
from torch import Tensor

from plait.regularization.algebra.nuclear import nuclear_norms, shrink_singular_values
from plait.regularization.algebra.rows import shrink_rows
from plait.regularization.bases.split import Split


class Robust(Split):
    """Splits each layer into a common part of low rank and one of its own for outlier tasks (RMTL).

        R = min over L + S = W of  sum_l |L_l|_* + ratio sum_lt |S_lt|_2

    with W_l, `[T, numel]`, the parameters of layer l of all tasks as rows, |.|_* the trace norm,
    and S_lt the row of task t. A task that the common directions do not explain gets a row of its
    own; for all others that row is exactly 0.

    Args:
        strength: lambda, at least 0. Applied by proximal steps after each optimizer step.
        ratio: of the penalty of S to that of L; 0.8 by default (ours). Up to 1 / sqrt(T) all is in
            S, from 1 on all is in L, which is `TraceNorm`.
        scope: a pattern of parameter names; all by default.
        include_bias: whether biases are among the layers.
        heads: whether the tasks' heads are among them.

    Raises:
        ConfigError: an option outside its range.

    Cost: that of `TraceNorm`, and the memory of two more copies of the networks.

    Differs: each optimizer step is one proximal step in both parts, with any optimizer; the paper
        has an accelerated method for the convex problem.

    Reference: Chen, Zhou, Ye, "Integrating Low-Rank and Group-Sparse Structures for Robust
        Multi-Task Learning", KDD 2011.
    """

    def __init__(
        self,
        *,
        strength: float,
        ratio: float = 0.8,
        scope: str = "*",
        include_bias: bool = True,
        heads: bool = False,
    ) -> None:
        super().__init__(
            strength=strength, ratio=ratio, scope=scope, include_bias=include_bias, heads=heads
        )

    def shared_norm(self, rows: Tensor) -> Tensor:
        """Returns the sum of the layers' trace norms."""
        return nuclear_norms(self.layers(rows)).sum()

    def own_norm(self, rows: Tensor) -> Tensor:
        """Returns the sum of the lengths of the tasks' rows."""
        lengths = [torch.linalg.vector_norm(layer, dim=1).sum() for layer in self.layers(rows)]
        return torch.stack(lengths).sum()

    def shrink_shared(self, rows: Tensor, step: float) -> Tensor:
        """Shrinks the singular values of each layer."""
        return torch.cat(shrink_singular_values(self.layers(rows), step), dim=1)

    def shrink_own(self, rows: Tensor, step: float) -> Tensor:
        """Shortens the row of each task in each layer."""
        return torch.cat([shrink_rows(layer, step, [1]) for layer in self.layers(rows)], dim=1)
