"""Multi-task learning as a bargaining game."""

from __future__ import annotations

from typing import Any

import numpy as np

from plait.balancing.algebra.cosines import normalise, rounding
from plait.balancing.base import GramianBalancer
from plait.balancing.bases.preference import Preference, PreferenceBalancer
from plait.balancing.contract.info import Info
from plait.balancing.solvers.newton import newton
from plait.core.errors import ConfigError


class NashMTL(PreferenceBalancer, GramianBalancer):
    """Takes the Nash bargaining solution: the direction with the largest product of gains.

        d = argmax sum_i p_i log(g_i^T d)  subject to |d|^2 = sum_i p_i
        d = J^T w,    (G w)_i = p_i / w_i,    w > 0

    Every task gains, ``g_i^T d = p_i / w_i``. Multiplying a task's loss by a constant does not
    change d, so a static weight would do nothing; `preference` does. The length of d is that of
    orthogonal gradients of length 1 added up with weights p: it says nothing about how steep the
    losses are, and does not go to zero at an optimum, so the learning rate has to.

    Args:
        preference: p, one finite positive number for each task, in the order of `setup` or, without
            it, of the rows; 1 each by default (the paper).
        max_norm: shortens d to this length where it is longer. None by default. The authors' code
            has 1; as ``|d| = sqrt(T)``, that divides each d by sqrt(T).

    Shapes: gramian `[..., T, T]`, weights `[..., T]`, positive; 0 where there is no solution.

    Raises:
        ConfigError: `preference` or `max_norm` is not positive.
        ShapeError: `preference` has another length than the tasks.

    Example:
        >>> import torch
        >>> NashMTL().weights(torch.tensor([[4.0, 0.0], [0.0, 0.25]]))
        tensor([0.5000, 2.0000], dtype=torch.float64)

    Differs: solved exactly by Newton's method, in each step; the authors' code approximates the
        problem by a sequence of convex ones, from the weights of the step before, and gives other
        weights for gradients below 1e-4 or above 1e8. At a Pareto-stationary point there is no
        solution and the weights are 0; so near to one that its gains are lost in rounding, they are
        bounded, and `flag` says "not solved exactly". `preference` is ours (the asymmetric
        bargaining solution).

    Cost: T backward passes, 6 to 10 solves of `[T, T]`; one `[T, P]` buffer.

    Reference: Navon, Shamsian, Achituve, Maron, Kawaguchi, Chechik, Fetaya, "Multi-Task Learning as
        a Bargaining Game", ICML 2022, equation 3.
    """

    equal_weight = "sum"  # orthogonal gradients of length 1 have weight 1 each
    scale_free = True

    def __init__(
        self, *, preference: Preference | None = None, max_norm: float | None = None
    ) -> None:
        super().__init__(preference=preference)
        if max_norm is not None and not max_norm > 0:
            raise ConfigError(f"`max_norm` must be positive; found {max_norm}.")
        self.max_norm = max_norm

    def solve(
        self, gramian: np.ndarray, active: np.ndarray, info: Info, **draws: Any
    ) -> np.ndarray:
        """Solves the bargaining problem for gradients of length 1."""
        preference = self.preference_of(info.tasks)[active]
        norms, cosines = normalise(gramian)
        found, met = newton(cosines, preference, 1.0, rounding(info, len(norms)))
        if found is None:
            self.flag = "Pareto-stationary"
            return np.zeros_like(norms)
        if not met:
            self.flag = "not solved exactly"
        weights: np.ndarray = found / norms
        if self.max_norm is not None:
            weights *= min(1.0, self.max_norm / float(np.sqrt(preference.sum())))
        return weights
