"""Angles between the tasks' parameters."""

from __future__ import annotations

import torch
from torch import Tensor

from plait.regularization.algebra.joined import blocks, joined
from plait.regularization.algebra.rows import unit_rows
from plait.regularization.algebra.spread import spread
from plait.regularization.base import Mode, ParameterRegularizer


class Cosine(ParameterRegularizer):
    """Turns the tasks' parameters to one direction and leaves their lengths free.

        R = sum_{s<t} 1 - cos(theta_s, theta_t)

    with theta_t the parameters of task t, all together or of one layer (then R is summed over
    layers). It does not change with the scale of a layer, which batch normalisation makes
    arbitrary; its gradient is orthogonal to theta_t. A vector of length 0 has no direction: its
    cosines count 0, and it gets no gradient.

    With u_t = theta_t / |theta_t| it is ``T/2 sum_t |u_t - mean u|^2``: O(T P), no pairs.

    Args:
        strength: lambda, at least 0.
        mode: "loss" only.
        per_layer: one cosine for each layer (default), or one of all parameters together.
        scope: a pattern of parameter names; all by default.
        include_bias: whether biases are among the parameters.
        heads: whether the tasks' heads are tied as well.

    Raises:
        UnsupportedError: mode "prox".

    Cost: O(T P) arithmetic in each step; the memory of the T networks.

    Reference: cosine distance in place of the Euclidean one of soft parameter sharing, as in
        `PairwiseL2`.
    """

    why_no_prox = "the cosine is not convex"

    def __init__(
        self,
        *,
        strength: float,
        mode: Mode = "loss",
        per_layer: bool = True,
        scope: str = "*",
        include_bias: bool = True,
        heads: bool = False,
    ) -> None:
        super().__init__(
            strength=strength, mode=mode, scope=scope, include_bias=include_bias, heads=heads
        )
        self.per_layer = per_layer

    def cost(self) -> Tensor:
        """Returns the sum over pairs (and layers) of one minus the cosine."""
        costs = []
        for block in blocks(self.groups, self.per_layer):
            units = unit_rows(joined(block))
            without = (units.detach().square().sum(dim=1) < 0.5).sum()
            costs.append(len(units) * spread(units) / 2 + (len(units) - 1) * without / 2)
        return torch.stack(costs).sum()
