"""Squared distances between the tasks' parameters."""

from __future__ import annotations

from torch import Tensor

from plait.regularization.algebra.spread import pull_together, spread_of
from plait.regularization.base import ParameterRegularizer


class PairwiseL2(ParameterRegularizer):
    """Pulls every pair of networks together (soft parameter sharing).

        R = sum_{s<t} |theta_s - theta_t|^2 = T sum_t |theta_t - mean|^2

    with theta_t the matched parameters of task t. The second form is what is computed: O(T P), no
    pairs. The proximal step is ``theta_t <- mean + (theta_t - mean) / (1 + 2 eta lambda T)``.

    Args:
        strength: lambda, at least 0. In mode "loss", gradient descent diverges unless
            ``learning rate x 2 lambda T < 2``; mode "prox" is stable for any lambda.
        mode: "loss" or "prox".
        scope: a pattern of parameter names; all by default.
        include_bias: whether biases are tied.
        heads: whether the tasks' heads are tied as well.

    Cost: O(T P) arithmetic in each step; the memory of the T networks in mode "loss", of one in
        mode "prox".

    Reference: Duong, Cohn, Bird, Cook, "Low Resource Dependency Parsing: Cross-lingual Parameter
        Sharing in a Neural Network Parser", ACL 2015.
    """

    def cost(self) -> Tensor:
        """Returns the sum of the squared distances of all pairs."""
        return len(self.tasks) * spread_of(self.groups)

    def prox(self, step: float) -> None:
        """Shrinks the differences from the mean."""
        pull_together(self.groups, [step * len(self.tasks)] * len(self.groups))
