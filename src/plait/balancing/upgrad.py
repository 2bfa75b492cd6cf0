"""Unconflicting projection of gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plait.balancing.base import GramianBalancer, Info
from plait.balancing.solvers.nnls import nnls
from plait.core.errors import ConfigError, ShapeError


class UPGrad(GramianBalancer):
    """Projects each gradient on the directions that make no task worse, then averages.

        d = sum_i u_i proj_C(g_i),    C = {d : J d >= 0},    u_i = 1/T by default

    so J d >= 0: to first order no task's loss rises. In weights, ``proj_C(u_i g_i) = J^T v_i`` with
    ``v_i = argmin v^T G v subject to v >= u_i e_i``; the substitution v = u_i e_i + x turns it into a
    non-negative least squares problem on the Gramian, and the T problems share G.

    Args:
        preference: u, one non-negative number for each task; 1/T each by default.

    Shapes: gramian `[..., T, T]`, weights `[..., T]`, each at least u.

    Raises:
        ShapeError: `preference` has another length than the tasks present.

    Example:
        >>> import torch
        >>> 2 * UPGrad().weights(torch.tensor([[1.0, -0.5], [-0.5, 1.0]]))
        tensor([1.5000, 1.5000], dtype=torch.float64)

    Differs: solved exactly by an active set, for singular Gramians and gradients of any scale; the
        authors' library adds 1e-4 to the scaled Gramian's diagonal and drops small gradients.

    Cost: T backward passes, T small solves (O(T^4) at worst); one `[T, P]` buffer.

    Reference: Quinton, Rey, "Jacobian Descent for Multi-Objective Optimization", arXiv 2406.16232, 2024.
    """

    equal_weight = "mean"

    def __init__(self, *, preference: Sequence[float] | None = None) -> None:
        super().__init__()
        if preference is not None and min(preference) < 0:
            raise ConfigError(f"`preference` must not be negative; found {list(preference)}.")
        self.preference = None if preference is None else [float(u) for u in preference]

    def solve(
        self, gramian: np.ndarray, active: np.ndarray, info: Info | None, **draws: Any
    ) -> np.ndarray:
        """Adds up the T projections."""
        present = len(active) if info is None else len(info.tasks)
        u = self._preference(active, present)
        # Cosines, for tasks of very different gradient norms: v_i = w_i / |g_i|
        norms = np.sqrt(np.diag(gramian))
        cosines = gramian / np.outer(norms, norms)
        total = np.zeros(len(gramian))
        for i, weight in enumerate(u):
            if weight > 0:
                total += nnls(cosines, -weight * norms[i] * cosines[i])
        result: np.ndarray = u + total / norms
        return result

    def _preference(self, active: np.ndarray, present: int) -> np.ndarray:
        if self.preference is None:
            return np.full(len(active), 1.0 / present)
        if len(self.preference) <= int(active.max()):
            raise ShapeError(
                f"`preference` must have one number for each of the {present} tasks present; "
                f"found {len(self.preference)}."
            )
        return np.asarray(self.preference)[active]
