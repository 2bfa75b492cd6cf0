"""Conflict-averse gradient descent."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from plait.balancing.algebra.cosines import normalise, rounding
from plait.balancing.base import GramianBalancer
from plait.balancing.contract.info import Info
from plait.balancing.solvers.max_min import SURE, max_min
from plait.core.errors import ConfigError


class CAGrad(GramianBalancer):
    """Improves the worst task as much as possible without going far from the mean gradient.

        d = argmax min_i g_i^T d    subject to |d - g_0| <= c |g_0|,    g_0 = mean of the g_i
        d = g_0 + c |g_0| g_w / |g_w|,    g_w = sum_i w_i g_i,
        w = argmin g_w^T g_0 + c |g_0| |g_w|    subject to w >= 0, sum_i w_i = 1

    c = 0 is the mean; for c < 1 training still converges to a stationary point of the mean loss;
    towards infinity d becomes the direction of `MGDA`.

    Args:
        c: how far from the mean, relative to its length; not negative; 0.4 by default, that of the
            authors' runs (their functions have 0.5).
        rescale: what d is divided by: 0 (nothing), 1 (1 + c^2, the default, as in the authors'
            code) or 2 (1 + c).

    Shapes: gramian `[..., T, T]`, weights `[..., T]`, each at least 1/T before rescaling (0 for a
        gradient of zero, which does count as a task in the mean).

    Raises:
        ConfigError: `c` is negative, or `rescale` outside its choices.

    Example:
        >>> import torch
        >>> CAGrad(c=1.0, rescale=0).weights(torch.eye(2)).round(decimals=6)
        tensor([1., 1.], dtype=torch.float64)

    Differs: solved exactly, by a search over the sets of tasks that count; the authors' code calls
        a general solver with an absolute epsilon, which is wrong for gradients below 1e-4. Where
        the mean gradient is zero so is d. Where gradients nearly cancel, what rounding may hide
        counts as length: d is in the ball that is certain.

    Cost: T backward passes, some small solves (O(T^3) each); one `[T, P]` buffer.

    Reference: Liu, Liu, Jin, Stone, Liu, "Conflict-Averse Gradient Descent for Multi-task
        Learning", NeurIPS 2021, algorithm 1 and equation 4.
    """

    equal_weight = "mean"  # c = 0 gives 1/T each

    def __init__(self, *, c: float = 0.4, rescale: Literal[0, 1, 2] = 1) -> None:
        super().__init__()
        if not 0 <= c < np.inf:
            raise ConfigError(f"`c` must not be negative or infinite; found {c}.")
        if rescale not in (0, 1, 2):
            raise ConfigError(f"`rescale` must be 0, 1 or 2; found {rescale!r}.")
        self.c = c
        self.rescale = rescale

    def solve(
        self, gramian: np.ndarray, active: np.ndarray, info: Info, **draws: Any
    ) -> np.ndarray:
        """Adds the conflict-averse part to the mean."""
        norms, cosines = normalise(gramian)
        lengths = norms / norms.max()
        noise = rounding(info, len(norms))
        share = lengths / len(info.tasks)  # of the unit gradients in the mean
        to_mean = cosines @ share
        square, hidden = share @ to_mean, noise * share.sum() ** 2
        weights: np.ndarray = np.full_like(lengths, 1 / len(info.tasks))
        if square <= 4 * hidden:
            self.flag = "the mean gradient is zero"
        elif self.c > 0:
            inverse = lengths.min() / lengths
            known = square if hidden <= SURE * square else square - hidden
            radius = self.c * float(np.sqrt(known))
            added, stationary = max_min(cosines, inverse, to_mean, radius, noise)
            weights += added / lengths
            if stationary:
                self.flag = "Pareto-stationary"
        weights /= (1.0, 1 + self.c**2, 1 + self.c)[self.rescale]
        return weights
