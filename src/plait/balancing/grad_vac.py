"""Gradient vaccine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from plait.balancing.algebra.cosines import normalise, rounding
from plait.balancing.algebra.orders import among_active
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
        if orders is None:
            order = self._draw(len(tasks))
        else:
            order = np.array(among_active(orders, active), dtype=int).reshape(len(tasks), -1)
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
        coefficients = np.eye(len(cosines))
        inner = cosines.copy()  # of the bent gradients with the unit gradients
        for visited in order.T:
            square = (coefficients * inner).sum(axis=1)
            there = square > noise * np.square(coefficients).sum(axis=1)
            length = np.sqrt(np.where(there, square, 1.0))
            phi = np.clip(inner[rows, visited] / length, -1.0, 1.0)
            phi[phi >= 1 - noise] = 1.0
            target = targets[rows, visited]
            room = 1.0 - np.square(target)  # sin^2 of the target's angle
            bent = there & (phi < target) & (room > noise)
            ratio = np.sqrt((1.0 - np.square(phi)) / np.where(bent, room, 1.0))
            step = np.where(bent, length * (target * ratio - phi), 0.0)
            coefficients[rows, visited] += step
            inner += step[:, None] * cosines[visited]
            targets[rows, visited] += np.where(there, self.beta * (phi - target), 0.0)
        return coefficients

    def _draw(self, tasks: int) -> np.ndarray:
        """Returns a random order of the other tasks for each task, `[T, T - 1]`."""
        others = np.array([np.delete(np.arange(tasks), i) for i in range(tasks)])
        return self.generator.permuted(others, axis=1)
