"""Squared distances from the mean of the tasks."""

from __future__ import annotations

from torch import Tensor

from plait.regularization.algebra.spread import pull_together, spread_of
from plait.regularization.base import ParameterRegularizer


class MeanRegularized(ParameterRegularizer):
    """Pulls every network towards the mean of all.

        R = sum_t |theta_t - mean|^2

    with theta_t the matched parameters of task t. `PairwiseL2` is T times this. The gradient is
    ``2 (theta_t - mean)``, whether the mean is held or not; the proximal step is
    ``theta_t <- mean + (theta_t - mean) / (1 + 2 eta lambda)``.

    Args:
        strength: lambda, at least 0. In mode "loss", gradient descent diverges unless
            ``learning rate x 2 lambda < 2``; mode "prox" is stable for any lambda.
        mode: "loss" or "prox".
        scope: a pattern of parameter names; all by default.
        include_bias: whether biases are tied.
        heads: whether the tasks' heads are tied as well.

    Cost: O(T P) arithmetic in each step; the memory of the T networks in mode "loss", of one in
        mode "prox".

    Differs: the paper also penalises |mean|^2; that is the optimizer's weight decay.

    Reference: Evgeniou, Pontil, "Regularized Multi-Task Learning", KDD 2004.
    """

    def cost(self) -> Tensor:
        """Returns the sum of the squared distances from the mean."""
        return spread_of(self.groups)

    def prox(self, step: float) -> None:
        """Shrinks the differences from the mean."""
        pull_together(self.groups, [step] * len(self.groups))
