"""Fair resource allocation."""

from __future__ import annotations

from typing import Any

import numpy as np

from plait.balancing.algebra.cosines import normalise, rounding
from plait.balancing.base import GramianBalancer
from plait.balancing.bases.preference import Preference, PreferenceBalancer
from plait.balancing.contract.info import Info
from plait.balancing.solvers.newton import newton
from plait.core.errors import ConfigError


class FairGrad(PreferenceBalancer, GramianBalancer):
    """Shares the gain among the tasks by alpha-fairness.

        d = argmax sum_i p_i (g_i^T d)^(1 - alpha) / (1 - alpha)  at bounded |d|
        d = J^T w,    (G w)_i = (p_i / w_i)^(1 / alpha),    w > 0

    so each task gains ``g_i^T d = (p_i / w_i)^(1 / alpha)``: the more a task counts, the less it
    gains, and the more it is preferred, the more. alpha = 1 is proportional fairness (`NashMTL`), 2
    minimum potential delay; towards infinity the direction becomes that of `MGDA` (the least gain
    is as large as possible), towards 0 that of `DualProj` (the sum of gains). The length of d goes
    with that of the gradients to the power (1 - alpha) / (1 + alpha): for alpha > 1 it grows as the
    gradients shrink.

    Args:
        alpha: positive; 1 by default, as in the authors' code. Their runs use 1 to 2. Above about 7
            the search may stop before the exact solution, which `flag` says; `MGDA` is the limit.
        preference: p, one finite positive number for each task, in the order of `setup` or, without
            it, of the rows; 1 each by default (the paper). It counts as p^(1 / alpha): towards
            `MGDA` less and less. `PIVRG` finds it from how well each task does.

    Shapes: gramian `[..., T, T]`, weights `[..., T]`, positive; 0 where there is no solution.

    Raises:
        ConfigError: `alpha` or `preference` is not positive.
        ShapeError: `preference` has another length than the tasks.

    Example:
        >>> import torch
        >>> FairGrad(alpha=2.0).weights(torch.tensor([[8.0, 0.0], [0.0, 1.0]]))
        tensor([0.2500, 1.0000], dtype=torch.float64)

    Differs: solved exactly by Newton's method; the authors' code runs a general least-squares
        solver with an absolute tolerance, then multiplies d by T and clips it to length 1. At a
        Pareto-stationary point there is no solution and the weights are 0. `preference` is that of
        `PIVRG`, for any alpha.

    Cost: T backward passes, 6 to 15 solves of `[T, T]`; one `[T, P]` buffer.

    Reference: Ban, Ji, "Fair Resource Allocation in Multi-Task Learning", ICML 2024, equation 8.
    """

    equal_weight = "sum"  # orthogonal gradients of length 1 have weight 1 each

    def __init__(self, *, alpha: float = 1.0, preference: Preference | None = None) -> None:
        super().__init__(preference=preference)
        if not 0 < alpha < np.inf:
            raise ConfigError(f"`alpha` must be positive and finite; found {alpha}.")
        self.alpha = alpha

    def solve(
        self, gramian: np.ndarray, active: np.ndarray, info: Info, **draws: Any
    ) -> np.ndarray:
        """Solves the equations for gradients of length 1.

        They are ``(C y)_i = n_i^(beta - 1) (p_i / y_i)^beta`` with n the lengths over the largest
        of them, y_i = n_i w_i, and beta = 1 / alpha.
        """
        power = 1 / self.alpha
        preference = self.favour(info)[active]
        norms, cosines = normalise(gramian)
        largest = norms.max()
        lengths = norms / largest
        pull = lengths ** (power - 1) * preference**power
        y, met = newton(cosines, pull, power, rounding(info, len(norms)))
        if y is None:
            self.flag = "Pareto-stationary"
            return np.zeros_like(norms)
        if not met:
            self.flag = "not solved exactly"
        weights: np.ndarray = y / lengths * largest ** (-2 / (1 + power))
        return weights

    def favour(self, info: Info) -> np.ndarray:
        """Returns p `[T]` of the tasks present."""
        return self.preference_of(info.tasks)
