"""Unconflicting projection of gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from plait.balancing.base import GramianBalancer, Info
from plait.balancing.solvers.nnls import nnls
from plait.core.errors import ConfigError, ShapeError


class UPGrad(GramianBalancer):
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

    Cost: T backward passes, T small solves (O(T^4) at worst); one `[T, P]` buffer.

    Reference: Quinton, Rey, "Jacobian Descent for Multi-Objective Optimization", arXiv 2406.16232,
        2024.
    """

    equal_weight = "mean"

    def __init__(self, *, preference: Sequence[float] | None = None) -> None:
        super().__init__()
        if preference is not None and not all(u >= 0 for u in preference):
            raise ConfigError(f"`preference` must not be negative; found {list(preference)}.")
        self.preference = None if preference is None else [float(u) for u in preference]

    def setup(self, tasks: Sequence[str]) -> None:
        """Checks that there is a preference for each task."""
        self._check_length(tasks)
        super().setup(tasks)

    def solve(
        self, gramian: np.ndarray, active: np.ndarray, info: Info, **draws: Any
    ) -> np.ndarray:
        """Adds up the T projections."""
        u = self._preference(info.tasks)[active]
        # Cosines, for tasks of very different gradient norms: v_i = w_i / |g_i|
        norms = np.sqrt(np.diag(gramian))
        cosines = gramian / np.outer(norms, norms)
        rounding = len(gramian) * torch.finfo(info.dtype).eps
        total = np.zeros(len(gramian))
        for i, weight in enumerate(u):
            if weight > 0:
                total += nnls(cosines, -weight * norms[i] * cosines[i], rounding)
        result: np.ndarray = u + total / norms
        return result

    def _preference(self, present: Sequence[str]) -> np.ndarray:
        """Returns u of the tasks present."""
        if self.preference is None:
            return np.full(len(present), 1.0 / len(present))
        preference = np.asarray(self.preference)
        if self.tasks and set(present) <= set(self.tasks):
            return preference[[self.tasks.index(task) for task in present]]
        self._check_length(present)
        return preference

    def _check_length(self, tasks: Sequence[str]) -> None:
        if self.preference is not None and len(self.preference) != len(tasks):
            raise ShapeError(
                f"`preference` must have one number for each of the {len(tasks)} tasks; found "
                f"{len(self.preference)}. Where tasks may be absent, call `setup` with all of them."
            )
