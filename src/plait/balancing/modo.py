"""Multi-objective gradient with double sampling."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from plait.balancing.base import CrossGramianBalancer
from plait.balancing.contract.info import Info
from plait.balancing.memory.simplex import SimplexState
from plait.balancing.memory.task import grouped
from plait.balancing.solvers.simplex import project_simplex
from plait.core.errors import ConfigError


class MoDo(CrossGramianBalancer):
    """Moves weights towards the shortest combination, on two independent batches in a step.

        w <- project(w - gamma (J_1 J_2^T w + rho w)),    d = (J_1 + J_2)^T w / 2

    with the projection on the simplex and w = 1/T at first. In expectation ``J_1 J_2^T`` is the
    Gramian of the true gradients, so that the step on w is not biased by the noise of a batch. The
    weights live across steps; a task that is absent keeps its share.

    Gamma has to suit the gradients: ``gamma |g|^2`` should be of the order of 1. Much smaller, the
    weights stay equal; much larger, they jump between the corners of the simplex.

    Args:
        gamma: step size of the weights, positive; 0.1 (the authors').
        rho: how strongly the weights are drawn to equal ones, at least 0; 0.1 (the authors').
        batches: 2, or 3 for a direction ``d = J_3^T w`` from a batch of its own.

    Shapes: gramian ``J_1 J_2^T`` `[..., T, T]`, weights `[..., T]`, on the simplex.

    Raises:
        ConfigError: an option is outside its range.

    Example: w - 0.1 (A w) = (0.5 - 0.2, 0.5 - 0.1) = (0.3, 0.4), and up to the simplex.
        >>> import torch
        >>> MoDo(rho=0.0).weights(torch.tensor([[4.0, 0.0], [0.0, 2.0]]))
        tensor([0.4500, 0.5500], dtype=torch.float64)

    Differs: the direction is the mean of the two batches, as in the paper; the authors' code takes
        the sum, which doubles the learning rate.

    Cost: T backward passes for each batch; one `[T, P]` buffer for each of them.

    Reference: Chen, Fernando, Ying, Chen, "Three-Way Trade-Off in Multi-Objective Learning:
        Optimization, Generalization and Conflict-Avoidance", NeurIPS 2023, algorithm 1.
    """

    equal_weight = "mean"

    def __init__(self, *, gamma: float = 0.1, rho: float = 0.1, batches: Literal[2, 3] = 2) -> None:
        super().__init__()
        if not gamma > 0:
            raise ConfigError(f"`gamma` must be positive; found {gamma}.")
        if not rho >= 0:
            raise ConfigError(f"`rho` must not be negative; found {rho}.")
        if batches not in (2, 3):
            raise ConfigError(f"`batches` must be 2 or 3; found {batches}.")
        self.gamma = gamma
        self.rho = rho
        self.batches = batches
        self.applied = (0.5, 0.5) if batches == 2 else (0.0, 0.0, 1.0)
        self.learned = SimplexState()

    def solve(
        self, gramian: np.ndarray, active: np.ndarray, info: Info, **draws: Any
    ) -> np.ndarray:
        """Takes one projected step and returns the new weights."""
        tasks = grouped([info.tasks[position] for position in active], info.group)
        weights = self.learned.read(tasks)
        slope = gramian @ weights + self.rho * weights
        weights = project_simplex(weights - self.gamma * slope)
        self.learned.write(tasks, weights)
        return weights
