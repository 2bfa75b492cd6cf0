"""Squared distances between the tasks' parameters."""

from __future__ import annotations

import torch
from torch import Tensor

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

    Cost: O(T P) arithmetic in each step; no extra memory.

    Reference: Duong, Cohn, Bird, Cook, "Low Resource Dependency Parsing: Cross-lingual Parameter
        Sharing in a Neural Network Parser", ACL 2015.
    """

    def cost(self) -> Tensor:
        """Returns the sum of the squared distances of all pairs."""
        total = torch.zeros((), device=self.groups[0][0].device)
        for group in self.groups:
            stacked = torch.stack(list(group))
            total = total + len(group) * (stacked - stacked.mean(dim=0)).square().sum()
        return total

    def prox(self, step: float) -> None:
        """Shrinks the differences from the mean."""
        with torch.no_grad():
            for group in self.groups:
                mean = torch.stack(list(group)).mean(dim=0)
                for parameter in group:
                    parameter.sub_(mean).div_(1.0 + 2.0 * step * len(group)).add_(mean)
