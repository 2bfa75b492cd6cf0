"""Multiple-gradient descent algorithm."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from plait.balancing.algebra.cosines import normalise, rounding
from plait.balancing.base import GramianBalancer
from plait.balancing.contract.info import Info
from plait.balancing.solvers.nnls import nnls
from plait.core.errors import ConfigError

Normalize = Literal["none", "l2", "loss", "loss+"]
NORMALIZATIONS = ("none", "l2", "loss", "loss+")


class MGDA(GramianBalancer):
    """Takes the shortest vector in the convex hull of the gradients.

        w = argmin |sum_i w_i g_i / s_i|^2    subject to w >= 0, sum_i w_i = 1;    d = sum_i w_i g_i

    With s = 1, ``g_i^T d >= |d|^2`` for all tasks, with equality where w_i > 0: every task gains,
    all that count by the same amount, and d = 0 exactly at a Pareto-stationary point. The smallest
    gradient dominates: a task that is nearly done can stop the others, which `normalize` is for.
    With gradients with respect to a shared representation (`at="features"`), this is MGDA-UB.

    Args:
        normalize: s_i, what the gradients are divided by before the problem is solved: "none" (1,
            the paper of 2012, the default), "l2" (|g_i|), "loss" (L_i) or "loss+" (L_i |g_i|). The
            weights are applied to the gradients as they are, as in the authors' code.
        zero_rows: "drop" leaves a task without gradient out and gives it weight 0 (default, ours);
            "keep" takes it literally: 0 is then the shortest vector, and training stops.

    Shapes: gramian `[..., T, T]`, weights `[..., T]`, non-negative with sum 1.

    Raises:
        ConfigError: an argument is outside its choices; a normalization by losses without losses,
            or with one that is not positive.

    Example:
        >>> import torch
        >>> MGDA().weights(torch.tensor([[1.0, 0.0], [0.0, 3.0]]))
        tensor([0.7500, 0.2500], dtype=torch.float64)

    Differs: the authors' code runs up to 250 Frank-Wolfe steps; here the problem is solved exactly,
        so that small gradients do not drown in the tolerance of the large ones.

    Cost: T backward passes, one small solve (O(T^3) for each change of the active set); one
        `[T, P]` buffer.

    Reference: Desideri, "Multiple-gradient descent algorithm (MGDA) for multiobjective
        optimization", Comptes Rendus Mathematique 350, 2012; Sener, Koltun, "Multi-Task Learning as
        Multi-Objective Optimization", NeurIPS 2018.
    """

    equal_weight = "mean"  # the weights have sum 1

    def __init__(
        self, *, normalize: Normalize = "none", zero_rows: Literal["drop", "keep"] = "drop"
    ) -> None:
        super().__init__()
        if normalize not in NORMALIZATIONS:
            raise ConfigError(
                f"`normalize` must be 'none', 'l2', 'loss' or 'loss+'; found {normalize!r}."
            )
        if zero_rows not in ("drop", "keep"):
            raise ConfigError(f"`zero_rows` must be 'drop' or 'keep'; found {zero_rows!r}.")
        self.normalize = normalize
        self.zero_rows = zero_rows

    def active(self, gramian: np.ndarray) -> np.ndarray:
        """Returns the tasks with a gradient, or all if rows of zeros are kept."""
        found = super().active(gramian)
        return np.ones_like(found) if self.zero_rows == "keep" else found

    def solve(
        self, gramian: np.ndarray, active: np.ndarray, info: Info, **draws: Any
    ) -> np.ndarray:
        """Finds the shortest vector."""
        zero = gramian.diagonal() == 0
        if zero.any():
            self.flag = "a gradient is zero"
            kept: np.ndarray = zero / zero.sum()
            return kept
        norms, cosines = normalise(gramian)
        # In y_i = |g_i / s_i| w_i: min y^T C y on a^T y = 1, a_i the inverse length of g_i / s_i.
        # Without the constraint, y ~ argmin (y^T C y + (a^T y - 1)^2) has the same direction.
        lengths = self._lengths(norms, active, info)
        inverse = lengths.min() / lengths
        noise = rounding(info, len(norms))
        y = nnls(cosines + inverse[:, None] * inverse, inverse, noise)
        if y @ cosines @ y <= 4 * noise * y.sum() ** 2:
            self.flag = "Pareto-stationary"
        weights: np.ndarray = y * inverse / (y @ inverse)
        return weights

    def _lengths(self, norms: np.ndarray, active: np.ndarray, info: Info) -> np.ndarray:
        """Returns ``|g_i / s_i|``."""
        lengths = np.ones_like(norms) if self.normalize in ("l2", "loss+") else norms
        if self.normalize not in ("loss", "loss+"):
            return lengths
        if info.losses is None:
            raise ConfigError(
                f"`normalize={self.normalize!r}` needs the losses; found none. Give them in `info`."
            )
        losses = info.losses.detach().cpu().double().numpy()[active]
        if not (losses > 0).all():
            raise ConfigError(
                f"`normalize={self.normalize!r}` needs positive losses; found {losses.tolist()}."
            )
        result: np.ndarray = lengths / losses
        return result
