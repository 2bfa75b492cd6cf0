"""Gradient vaccine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from plait.balancing.algebra.cosines import normalise, rounding
from plait.balancing.algebra.orders import visits
from plait.balancing.base import GramianBalancer
from plait.balancing.bases.random import RandomBalancer
from plait.balancing.contract.info import Info
from plait.balancing.memory.pair import PairState
from plait.core.errors import ConfigError


class GradVac(RandomBalancer, GramianBalancer):
    """Bends gradients towards each other until their cosines reach running targets, then adds up.

    For each task i, start from g = g_i and visit the other tasks j in random order. With
    phi = cos(g, g_j) and the target t of the pair (i, j), if phi < t,

        g <- g + |g| (t sqrt(1 - phi^2) - phi sqrt(1 - t^2)) / (|g_j| sqrt(1 - t^2)) g_j

    after which cos(g, g_j) = t; in any case t <- (1 - beta) t + beta phi. Targets start at 0, where
    the step is that of PCGrad. The direction is the sum of the T results. In terms of weights
    (g = J^T c) the Gramian is enough. Targets live across steps, one for each ordered pair and
    parameter group; the pairs of a task that is absent, or has a gradient of zero, keep theirs.

    Args:
        beta: how fast the targets follow, in [0, 1]; 0.01 (the paper's). 0 is PCGrad.
        groups: which gradients are compared: of all shared parameters ("whole"), of each module
            ("layer") or of each parameter ("matrix").
        seed: of the generator that draws the orders; the method owns it, and it is in
            `state_dict`.

    Shapes: gramian `[..., T, T]`, weights `[..., T]`; leading axes are the groups.

    Raises:
        ConfigError: `beta` or `groups` is outside its choices.

    Example: the first step is that of PCGrad; it has measured a cosine of -1/2.
        >>> import torch
        >>> balancer = GradVac(beta=0.5)
        >>> balancer.weights(torch.tensor([[1.0, -0.5], [-0.5, 1.0]]))
        tensor([1.5000, 1.5000], dtype=torch.float64)
        >>> balancer.targets.get(["0", "1"]).tolist()
        [[0.0, -0.25], [-0.25, 0.0]]

    Differs: two gradients that are equal up to rounding count as equal, and one that earlier
        corrections have brought to zero is not corrected further; the formula divides by 0 there.

    Cost: T backward passes, O(T^3) arithmetic; one `[T, P]` buffer, T^2 numbers for each group.

    Reference: Wang, Tsvetkov, Firat, Cao, "Gradient Vaccine: Investigating and Improving Multi-task
        Optimization in Massively Multilingual Models", ICLR 2021, equation 2.
    """

    def __init__(
        self,
        *,
        beta: float = 0.01,
        groups: Literal["whole", "layer", "matrix"] = "whole",
        seed: int = 0,
    ) -> None:
        super().__init__(seed=seed)
        if not 0 <= beta <= 1:
            raise ConfigError(f"`beta` must be in [0, 1]; found {beta}.")
        if groups not in ("whole", "layer", "matrix"):
            raise ConfigError(f"`groups` must be 'whole', 'layer' or 'matrix'; found {groups!r}.")
        self.beta = beta
        self.groups = groups
        self.targets = PairState()

    def solve(
        self,
        gramian: np.ndarray,
        active: np.ndarray,
        info: Info,
        *,
        orders: Sequence[Sequence[int]] | None = None,
        **draws: Any,
    ) -> np.ndarray:
        """Bends all T gradients at once, a visit at a time.

        `orders[i]` lists the tasks that task i visits: all others.
        """
        tasks = [info.tasks[position] for position in active]
        norms, cosines = normalise(gramian)
        order = visits(self.generator, active, orders)
        targets = self.targets.get(tasks, info.group)
        coefficients = self._bend(cosines, order, targets, rounding(info, len(tasks)))
        self.targets.put(tasks, targets, info.group)
        weights: np.ndarray = (norms[:, None] * coefficients / norms).sum(axis=0)
        return weights

    def _bend(
        self, cosines: np.ndarray, order: np.ndarray, targets: np.ndarray, noise: float
    ) -> np.ndarray:
        """Returns coefficients of unit gradients for each bent unit gradient; edits `targets`."""
        rows = np.arange(len(cosines))
        target = targets[rows, order]  # no pair is visited twice, so that none has moved before
        room = 1.0 - np.square(target)  # sin^2 of the target's angle
        cotangent = target / np.sqrt(np.where(room > noise, room, 1.0))
        limit = np.where(room > noise, np.minimum(target, 1.0 - noise), -np.inf)
        phi, there = np.empty_like(target), np.empty(target.shape, dtype=bool)

        coefficients = np.eye(len(cosines))
        sizes = np.ones(len(cosines))  # sums of the squares of each one's coefficients
        inner = cosines.copy()  # of the bent gradients with the unit gradients
        for k, visited in enumerate(order):
            along = inner[rows, visited]
            square, least = np.einsum("ij,ij->i", coefficients, inner), noise * sizes
            length = np.sqrt(np.maximum(square, least))
            np.divide(along, length, out=phi[k])
            np.greater(square, least, out=there[k])
            across = np.sqrt(np.maximum(square - along * along, 0.0))
            step = (cotangent[k] * across - along) * ((phi[k] < limit[k]) & there[k])
            coefficients[rows, visited] = step
            sizes += step * step
            inner += step[:, None] * cosines[visited]
        phi[phi >= 1.0 - noise] = 1.0
        moved = self.beta * (np.maximum(phi, -1.0) - target)
        targets[rows, order] += np.where(there, moved, 0.0)
        return coefficients
