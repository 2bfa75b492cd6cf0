"""Conflict-free inverse gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from plait.balancing.algebra.cosines import normalise, rounding
from plait.balancing.base import GramianBalancer
from plait.balancing.bases.preference import Preference, PreferenceBalancer
from plait.balancing.contract.info import Info
from plait.balancing.solvers.least_norm import least_norm


class ConFIG(PreferenceBalancer, GramianBalancer):
    """Takes the direction with chosen cosines to the gradients, as long as their projections on it.

        x = U^+ p,    d = (sum_i <g_i, x>) x / |x|^2,    u_i = g_i / |g_i| the rows of U

    For independent gradients cos(d, g_i) is p_i times a positive constant, so that d improves every
    task; with equal p it is the direction of IMTL-G. For dependent gradients these cosines are met
    by least squares, and need not all be positive. With the cosines ``C = U U^T`` of the gradients,
    ``x = U^T C^+ p``: the Gramian is enough.

    If p is orthogonal to all cosines that a direction can have, as for two opposite gradients, the
    direction is 0, and `flag` says so; `flag` also says where the projections add up to less than
    0, so that d is turned round.

    Args:
        preference: p, one positive number for each task, in the order of `setup` or, without it, of
            the rows; only their ratios matter. Equal by default, as in the paper.

    Shapes: gramian `[..., T, T]`, weights `[..., T]`.

    Raises:
        ConfigError: a preference is not positive.
        ShapeError: `preference` has another length than the tasks.

    Example: orthogonal rows of length 2 and 1: x = (1, 1), projections 2 and 1, d = (1.5, 1.5).
        >>> import torch
        >>> ConFIG().weights(torch.tensor([[4.0, 0.0], [0.0, 1.0]]))
        tensor([0.7500, 1.5000], dtype=torch.float64)

    Differs: exactly 0 where the authors' pseudo-inverse gives rounding noise of unit length. Their
        variant with momentum, of one gradient in a step, is `StaleRows` around this one. Where
        gradients nearly depend on each other the products have to be exact: in a call by hand, form
        them in float64.

    Cost: T backward passes, one eigendecomposition, O(T^3); one `[T, P]` buffer.

    Reference: Liu, Chu, Thuerey, "ConFIG: Towards Conflict-free Training of Physics Informed Neural
        Networks", ICLR 2025, equation 2.
    """

    scale_free = True
    exact = True

    def __init__(self, *, preference: Preference | None = None) -> None:
        super().__init__(preference=preference)

    def solve(
        self, gramian: np.ndarray, active: np.ndarray, info: Info, **draws: Any
    ) -> np.ndarray:
        """Solves for the direction on the cosines."""
        count = len(gramian)
        p = self.preference_of(info.tasks)[active]
        norms, cosines = normalise(gramian)
        y, share = least_norm(cosines, p / p.max(), rounding(info, count))
        if share == 0:
            self.flag = "no direction with such cosines"
            return np.zeros(count)
        reached = cosines @ y  # <u_i, x>
        length = norms @ reached / (y @ reached)
        if length < 0:
            self.flag = "negative sum of projections"
        weights: np.ndarray = y * length / norms
        return weights
