"""Weights learned from the validation losses after one step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from plait.balancing.algebra.points import gradient, gradients, leaves, products, weighted_point
from plait.balancing.base import BilevelBalancer
from plait.balancing.contract.checks import check_lookahead
from plait.balancing.contract.info import Info
from plait.balancing.contract.names import check_names
from plait.balancing.contract.problem import Problem
from plait.balancing.memory.adam import TaskAdam
from plait.balancing.memory.task import TaskState
from plait.core.errors import ConfigError


class AutoLambda(BilevelBalancer):
    """Learns the weights by gradient descent on validation losses after a step (Auto-Lambda).

        theta' = the optimizer's next step on  sum_i w_i grad L_i^train(theta)
        dw_i = <grad L_i^train(theta), s * v>,   v = sum_(i primary) grad L_i^val(theta')
        w <- Adam(w, dw)

    with s the elementwise slope of theta' in its gradient (SGD: -lr). The step ahead has the
    optimizer's momentum and weight decay. The weights are free: they need not add up to anything,
    and one may turn negative, which steps against a task that hurts the primary ones.

    Args:
        primary: names of the tasks whose validation losses count; all by default.
        weight_init: first weight of each task; 0.1 as in the paper.
        meta_lr: learning rate of the weights' own Adam, positive; 1e-4 as in the paper.

    Shapes: weights `[T]` of the training losses; none of the validation losses.

    Raises:
        ConfigError: `primary` is empty or names a task that is not there; `meta_lr` is not
            positive.
        NonFiniteError: a gradient is not finite; no state has changed.

    Example:
        >>> class Half:  # one parameter at 1; L_train = (a, -a), L_val = (a^2 / 2, 0), SGD, lr 0.5
        ...     tasks, parameters = ("a", "b"), (torch.tensor(1.0),)
        ...     def train(self, parameters):
        ...         return torch.stack([parameters[0], -parameters[0]])
        ...     def val(self, parameters):
        ...         return torch.stack([parameters[0] ** 2 / 2, 0 * parameters[0]])
        ...     def virtual_step(self, parameters, gradient):
        ...         return (parameters[0] - 0.5 * gradient[0],), (torch.tensor(-0.5),)
        >>> AutoLambda(meta_lr=0.01).weights(Half())[0]
        tensor([0.1100, 0.0900], dtype=torch.float64)

    Differs: the meta gradient is exact, from the tasks' own gradients; the authors' code takes a
        central difference of two more training gradients.

    Cost: beside the step itself, two forward passes and T + 1 backward passes; T gradients of the
        size of the model while it runs.

    Reference: Liu, James, Davison, Johns, "Auto-Lambda: Disentangling Dynamic Task Relationships",
        TMLR 2022, equations 5 to 7.
    """

    def __init__(
        self,
        *,
        primary: Sequence[str] | None = None,
        weight_init: float = 0.1,
        meta_lr: float = 1e-4,
    ) -> None:
        super().__init__()
        if primary is not None and not len(primary):
            raise ConfigError("`primary` must name at least one task; found [].")
        if not meta_lr > 0:
            raise ConfigError(f"`meta_lr` must be positive; found {meta_lr}.")
        self.primary = None if primary is None else list(primary)
        self.weight_init = weight_init
        self.meta_lr = meta_lr
        self.adam = TaskAdam(lr=meta_lr)
        self.task_weights = TaskState()

    def setup(self, tasks: Sequence[str]) -> None:
        """Checks that the primary tasks exist."""
        check_names(self.primary or (), tasks)
        super().setup(tasks)

    def weights(self, problem: Problem, info: Info | None = None) -> tuple[Tensor, None]:
        """Returns the weights of the training losses, after a step of their own."""
        tasks = problem.tasks
        self.flag = None
        start = torch.tensor(self.weight_init, dtype=torch.float64)
        weights = self.task_weights.get(tasks, start)
        primary = [
            i for i, task in enumerate(tasks) if self.primary is None or task in self.primary
        ]
        if not primary:
            self.flag = "no primary task; weights held"
            return weights, None
        slopes = self._meta_gradient(problem, weights.tolist(), primary)
        check_lookahead(slopes, tasks)
        weights = self.adam.step(tasks, weights, torch.from_numpy(slopes))
        self.task_weights.put(tasks, weights)
        return weights, None

    def _meta_gradient(
        self, problem: Problem, weights: Sequence[float], primary: Sequence[int]
    ) -> np.ndarray:
        here = leaves(problem.parameters)
        rows = gradients(problem.train(here), here)
        moved, slope = problem.virtual_step(here, weighted_point(weights, rows))
        there = leaves(moved)
        ahead = gradient(problem.val(there)[list(primary)].sum(), there)
        found: np.ndarray = products(rows, [tuple(map(torch.mul, slope, ahead))])[:, 0]
        return found
