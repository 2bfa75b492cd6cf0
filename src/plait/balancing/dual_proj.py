"""Dual cone projection."""

from __future__ import annotations

from typing import Any

import numpy as np

from plait.balancing.algebra.cosines import normalise, rounding
from plait.balancing.base import GramianBalancer
from plait.balancing.bases.preference import PreferenceBalancer
from plait.balancing.contract.info import Info
from plait.balancing.solvers.nnls import nnls


class DualProj(PreferenceBalancer, GramianBalancer):
    """Projects the mean gradient on the directions that make no task worse.

        d = proj_C(J^T u),    C = {d : J d >= 0},    u_i = 1/T by default

    so J d >= 0: to first order no task's loss rises, and d is never longer than J^T u. In weights,
    ``d = J^T (u + x)`` with the x >= 0 that minimises ``|J^T (u + x)|^2``: a non-negative least
    squares problem on the Gramian. The projection is that of gradient episodic memory (GEM), where
    the rows are the gradients on past tasks. `UPGrad` projects each gradient and then takes the
    mean; with two tasks without conflict, both are the mean itself.

    Args:
        preference: u, one finite non-negative number for each task, in the order of `setup` or,
            without it, of the rows; 1/T each by default, T the number of tasks present.

    Shapes: gramian `[..., T, T]`, weights `[..., T]`, each at least u (0 for a gradient of zero).

    Raises:
        ConfigError: `preference` has a negative or infinite number.
        ShapeError: `preference` has another length than the tasks.

    Example:
        >>> import torch
        >>> 2 * DualProj().weights(torch.tensor([[1.0, -2.0], [-2.0, 5.0]]))
        tensor([2., 1.], dtype=torch.float64)

    Differs: solved exactly by pivoting, for singular Gramians and gradients of any scale; the
        authors of GEM project the gradient of the current task alone and add a margin.

    Cost: T backward passes, one small solve (O(T^3) for each change of the active set); one
        `[T, P]` buffer.

    Reference: Lopez-Paz, Ranzato, "Gradient Episodic Memory for Continual Learning", NeurIPS 2017,
        equation 11.
    """

    equal_weight = "mean"
    zero_preference = True

    def solve(
        self, gramian: np.ndarray, active: np.ndarray, info: Info, **draws: Any
    ) -> np.ndarray:
        """Projects the preferred mean."""
        u = self.preference_of(info.tasks)[active]
        norms, cosines = normalise(gramian)
        added = nnls(cosines, -cosines @ (norms * u), rounding(info, len(u)))
        result: np.ndarray = u + added / norms
        return result
