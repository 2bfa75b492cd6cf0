"""Project conflicting gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from plait.balancing.algebra.orders import visits
from plait.balancing.base import GramianBalancer
from plait.balancing.bases.random import RandomBalancer
from plait.balancing.contract.info import Info
from plait.core.errors import ConfigError


class PCGrad(RandomBalancer, GramianBalancer):
    """Projects each task's gradient off those that it conflicts with, then adds them up.

    For each task i, start from g = g_i and visit the other tasks j in random order: if
    <g, g_j> < 0,

        g <- g - <g, g_j> / |g_j|^2 g_j        (g_j the original gradient)

    and the direction is the sum of the T results. In terms of weights c (g = J^T c) a projection is
    ``c_j -= (G c)_j / G_jj``, so the Gramian is enough. Each weight is at least 1. With three or
    more tasks the result may still conflict with some task; with two, the order does not matter.

    Args:
        reduction: "sum" (the paper's algorithm 1) or "mean", which divides the weights by T;
            ``scale="sum"`` multiplies them by T again.
        seed: of the generator that draws the orders; the method owns it, and it is in
            `state_dict`.

    Shapes: gramian `[..., T, T]`, weights `[..., T]`.

    Example:
        >>> import torch
        >>> PCGrad().weights(torch.tensor([[1.0, -0.5], [-0.5, 1.0]]))
        tensor([1.5000, 1.5000], dtype=torch.float64)

    Differs: a task is never projected on its own original gradient, as the paper says; the authors'
        code does so when earlier projections have turned it round.

    Cost: T backward passes, O(T^3) arithmetic; one `[T, P]` buffer.

    Reference: Yu, Kumar, Gupta, Levine, Hausman, Finn, "Gradient Surgery for Multi-Task Learning",
        NeurIPS 2020, algorithm 1.
    """

    def __init__(self, *, reduction: Literal["sum", "mean"] = "sum", seed: int = 0) -> None:
        super().__init__(seed=seed)
        if reduction not in ("sum", "mean"):
            raise ConfigError(f"`reduction` must be 'sum' or 'mean'; found {reduction!r}.")
        self.reduction = reduction
        self.equal_weight = reduction

    def solve(
        self,
        gramian: np.ndarray,
        active: np.ndarray,
        info: Info,
        *,
        orders: Sequence[Sequence[int]] | None = None,
        **draws: Any,
    ) -> np.ndarray:
        """Projects all T gradients at once, a visit at a time.

        `orders[i]` lists the tasks that task i visits: all others.
        """
        rows, squares = np.arange(len(gramian)), gramian.diagonal()
        coefficients = np.eye(len(gramian))
        inner = gramian.copy()  # of the projected gradients with the original ones
        for visited in visits(self.generator, active, orders):
            step = np.minimum(inner[rows, visited], 0.0) / squares[visited]
            coefficients[rows, visited] -= step
            inner -= step[:, None] * gramian[visited]
        weights: np.ndarray = coefficients.sum(axis=0)
        return weights / len(info.tasks) if self.reduction == "mean" else weights
