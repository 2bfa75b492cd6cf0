"""The mean of the gradients that are close to others."""

from __future__ import annotations

from typing import Any

import numpy as np

from plait.balancing.base import GramianBalancer
from plait.balancing.contract.info import Info
from plait.core.errors import ConfigError


class Krum(GramianBalancer):
    """Averages the m gradients with the smallest distances to their neighbours (Multi-Krum).

        score_i = sum of the T - f - 2 smallest |g_i - g_j|^2 over j != i
        d = mean of the g_i with the m smallest scores

    It tolerates f gradients that are arbitrarily wrong, and needs T >= f + 3 tasks with a gradient.
    With fewer, no gradient has neighbours enough to be judged by: all are averaged, and `flag` says
    so. Tasks that are not selected have weight 0 in that step. Of equal scores the first task wins:
    with T = f + 3 the two nearest gradients always have equal scores.

    A gradient of exactly zero is no candidate and no neighbour: scores, T and m are over the tasks
    that have a gradient, and the others get the weight 0.

    Args:
        f: how many gradients may be wrong; 1 by default (ours).
        m: how many gradients are averaged; 1 is the paper's Krum. T - f by default: all but the
            ones that may be wrong. If fewer have a gradient, all of them.

    Shapes: gramian `[..., T, T]`, weights `[..., T]`, each 0 or 1 / m.

    Raises:
        ConfigError: `f` is negative or `m` is not positive.

    Example: two gradients agree, one is opposite and one is far away.
        >>> import torch
        >>> rows = torch.tensor([[1.0, 0.0], [1.0, 0.5], [-1.0, 0.0], [0.0, 90.0]])
        >>> Krum(f=1, m=2).weights(rows @ rows.T)
        tensor([0.5000, 0.5000, 0.0000, 0.0000], dtype=torch.float64)

    Cost: T backward passes, O(T^2 log T) arithmetic; one `[T, P]` buffer.

    Reference: Blanchard, El Mhamdi, Guerraoui, Stainer, "Machine Learning with Adversaries:
        Byzantine Tolerant Gradient Descent", NeurIPS 2017.
    """

    equal_weight = "mean"

    def __init__(self, *, f: int = 1, m: int | None = None) -> None:
        super().__init__()
        if f < 0:
            raise ConfigError(f"`f` must not be negative; found {f}.")
        if m is not None and m < 1:
            raise ConfigError(f"`m` must be at least 1; found {m}.")
        self.f = f
        self.m = m

    def solve(
        self, gramian: np.ndarray, active: np.ndarray, info: Info, **draws: Any
    ) -> np.ndarray:
        """Selects by the distances, which the Gramian holds."""
        count = len(gramian)
        neighbours = count - self.f - 2
        if neighbours < 1:
            self.flag = "fewer than f + 3 tasks"
            return np.full(count, 1.0 / count)
        squares = np.diag(gramian)
        distances = np.maximum(squares[:, None] + squares - 2 * gramian, 0.0)
        np.fill_diagonal(distances, np.inf)
        scores = np.sort(distances, axis=1)[:, :neighbours].sum(axis=1)
        selected = np.argsort(scores, kind="stable")[: self.m or count - self.f]
        weights = np.zeros(count)
        weights[selected] = 1.0 / len(selected)
        return weights
