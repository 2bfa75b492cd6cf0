"""Unconflicting projection of gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from plait.balancing.algebra.cosines import normalise, rounding
from plait.balancing.base import GramianBalancer
from plait.balancing.bases.preference import PreferenceBalancer
from plait.balancing.contract.info import Info
from plait.balancing.solvers.nnls import nnls


class UPGrad(PreferenceBalancer, GramianBalancer):
    """Projects each gradient on the directions that make no task worse, then averages.

        d = sum_i u_i proj_C(g_i),    C = {d : J d >= 0},    u_i = 1/T by default

    so J d >= 0: to first order no task's loss rises. In weights, ``proj_C(u_i g_i) = J^T v_i`` with
    ``v_i = argmin v^T G v subject to v >= u_i e_i``; the substitution v = u_i e_i + x turns it into
    a non-negative least squares problem on the Gramian, and the T problems share G.

    Args:
        preference: u, one non-negative number for each task, in the order of `setup` or, without
            it, of the rows; 1/T each by default, T the number of tasks present.

    Shapes: gramian `[..., T, T]`, weights `[..., T]`, each at least u (0 for a gradient of zero).

    Raises:
        ShapeError: `preference` has another length than the tasks.

    Example:
        >>> import torch
        >>> 2 * UPGrad().weights(torch.tensor([[1.0, -0.5], [-0.5, 1.0]]))
        tensor([1.5000, 1.5000], dtype=torch.float64)

    Differs: solved exactly by an active set, for singular Gramians and gradients of any scale; the
        authors' library adds 1e-4 to the scaled Gramian's diagonal and drops small gradients.

    Cost: T backward passes; T small solves (O(T^4)); one `[T, P]` buffer.

    Reference: Quinton, Rey, "Jacobian Descent for Multi-Objective Optimization", arXiv 2406.16232,
        2024.
    """

    equal_weight = "mean"
    zero_preference = True

    def solve(
        self, gramian: np.ndarray, active: np.ndarray, info: Info, **draws: Any
    ) -> np.ndarray:
        """Adds up the T projections."""
        u = self.preference_of(info.tasks)[active]
        norms, cosines = normalise(gramian)
        followed = u > 0
        projections = nnls(cosines, -cosines[followed], rounding(info, len(u)))
        result: np.ndarray = u + (u * norms)[followed] @ projections / norms
        return result
