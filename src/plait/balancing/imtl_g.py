"""Impartial multi-task learning, by the gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from plait.balancing.algebra.cosines import normalise, rounding
from plait.balancing.base import GramianBalancer
from plait.balancing.contract.info import Info
from plait.balancing.solvers.least_norm import least_norm


class IMTLG(GramianBalancer):
    """Finds the combination that makes equal progress along every task's gradient (IMTL-G).

        d = sum_i w_i g_i,   sum_i w_i = 1,   <d, g_i> / |g_i| the same for all i

    With u_i = g_i / |g_i| and the cosines C = U U^T, this is ``w_i = (y_i / |g_i|) / s``, where
    C y = 1 and ``s = sum_i y_i / |g_i|``. The common projection is 1 / s. Weights may be negative,
    and with three or more tasks s may be as well: then d would make every task worse. By default
    the sign is turned (w / |s|), so that d improves every task, and `flag` says so.

    Gradients that depend on each other have equal projections only if C y = 1 has a solution, as
    for two equal tasks; otherwise, as for two opposite ones, the direction is 0, and `flag` says
    so.

    Args:
        strict: keep the sign of the paper's formula, also where every task gets worse.

    Shapes: gramian `[..., T, T]`, weights `[..., T]`, which add up to 1 (to -1 where the sign was
        turned).

    Example: orthogonal rows of length 2 and 1; equal progress doubles the second weight.
        >>> import torch
        >>> 3 * IMTLG().weights(torch.tensor([[4.0, 0.0], [0.0, 1.0]]))
        tensor([1., 2.], dtype=torch.float64)

    Differs: from the paper by the sign (see `strict`) and by dependent gradients, which its formula
        leaves undefined.

    Cost: T backward passes, one eigendecomposition, O(T^3); one `[T, P]` buffer.

    Reference: Liu, Li, Kuang, Xue, Chen, Yang, Liao, Zhang, "Towards Impartial Multi-task
        Learning", ICLR 2021, equation 7.
    """

    equal_weight = "mean"
    scale_free = True
    exact = True

    def __init__(self, *, strict: bool = False) -> None:
        super().__init__()
        self.strict = strict

    def solve(
        self, gramian: np.ndarray, active: np.ndarray, info: Info, **draws: Any
    ) -> np.ndarray:
        """Solves for equal projections on the cosines."""
        count = len(gramian)
        noise = rounding(info, count)
        norms, cosines = normalise(gramian)
        y, share = least_norm(cosines, np.ones(count), noise)
        weights = y * (norms.min() / norms)
        total = weights.sum()
        if share < 1 or abs(total) <= noise * np.abs(weights).sum():
            self.flag = "no direction with equal projections"
            return np.zeros(count)
        if total < 0:
            self.flag = "negative common projection"
        result: np.ndarray = weights / (total if self.strict else abs(total))
        return result
