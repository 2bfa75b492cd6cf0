"""Multi-objective meta learning."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from plait.balancing.algebra.points import gradients, leaves, products, weighted_point
from plait.balancing.base import BilevelBalancer
from plait.balancing.contract.checks import check_lookahead
from plait.balancing.contract.info import Info
from plait.balancing.contract.problem import Problem
from plait.balancing.memory.adam import TaskAdam
from plait.balancing.memory.task import TaskState
from plait.balancing.solvers.min_norm import min_norm
from plait.core.errors import ConfigError


class MOML(BilevelBalancer):
    """Learns the weights so that a step lowers all validation losses, by MGDA on the weights.

        w = softmax(a),   theta' = theta - inner_lr sum_i w_i grad L_i^train(theta)
        u_t = d L_t^val(theta') / d a,  each scaled to length 1
        a <- Adam(a, sum_t m_t u_t),   m = the min-norm point of the hull of the u_t

    The sum of the logits a stays what it is; only their differences matter.

    Args:
        inner_lr: length of the step ahead, a plain gradient step, positive; 0.1 as in the authors'
            library.
        outer_lr: learning rate of the logits' own Adam, positive; 1e-3 as in the authors' library.
        init: first value of each a_i; 0. Equal logits are equal weights, whatever the value.

    Shapes: weights `[T]` of the training losses, positive, sum 1; none of the validation losses.

    Raises:
        ConfigError: a learning rate is not positive.
        NonFiniteError: a gradient is not finite; no state has changed.

    Example:
        >>> class Half:  # one parameter at 1; L_train = (a, -a), L_val = (a^2 / 2, 0)
        ...     tasks, parameters = ("a", "b"), (torch.tensor(1.0),)
        ...     def train(self, parameters):
        ...         return torch.stack([parameters[0], -parameters[0]])
        ...     def val(self, parameters):
        ...         return torch.stack([parameters[0] ** 2 / 2, 0 * parameters[0]])
        ...     def virtual_step(self, parameters, gradient):
        ...         raise NotImplementedError
        >>> MOML(outer_lr=0.01).weights(Half())[0]  # logits (0.01, -0.01)
        tensor([0.5050, 0.4950], dtype=torch.float64)

    Differs: one inner step, as in the authors' experiments; the min-norm point is exact, and a row
        of zeros (a task without validation labels) is left out of it. The rows come from the inner
        products of training and validation gradients, without second derivatives.

    Cost: beside the step itself, two forward passes and 2 T backward passes; 2 T gradients of the
        size of the model while it runs.

    Reference: Ye, Lin, Yue, Guo, Xiao, Zhang, "Multi-Objective Meta Learning", NeurIPS 2021;
        Artificial Intelligence 335, 2024.
    """

    equal_weight = "mean"

    def __init__(self, *, inner_lr: float = 0.1, outer_lr: float = 1e-3, init: float = 0.0) -> None:
        super().__init__()
        if not inner_lr > 0:
            raise ConfigError(f"`inner_lr` must be positive; found {inner_lr}.")
        if not outer_lr > 0:
            raise ConfigError(f"`outer_lr` must be positive; found {outer_lr}.")
        self.inner_lr = inner_lr
        self.outer_lr = outer_lr
        self.init = init
        self.adam = TaskAdam(lr=outer_lr)
        self.logits = TaskState()

    def weights(self, problem: Problem, info: Info | None = None) -> tuple[Tensor, None]:
        """Returns the weights of the training losses, after a step of their logits."""
        tasks = problem.tasks
        logits = self.logits.get(tasks, torch.tensor(self.init, dtype=torch.float64))
        rows = self.upper_rows(problem, logits.softmax(dim=0).numpy())
        check_lookahead(rows, tasks)
        norms = np.linalg.norm(rows, axis=1)
        unit = rows[norms > 0] / norms[norms > 0, None]
        self.flag = None if len(unit) else "no validation loss depends on the weights"
        slope = min_norm(unit @ unit.T) @ unit if len(unit) else np.zeros(len(tasks))
        logits = self.adam.step(tasks, logits, torch.from_numpy(slope))
        self.logits.put(tasks, logits)
        return logits.softmax(dim=0), None

    def upper_rows(self, problem: Problem, weights: np.ndarray) -> np.ndarray:
        """Returns dL_t^val/da_i `[T, T]`; a row of nothing but rounding is zero."""
        here = leaves(problem.parameters)
        train = gradients(problem.train(here), here)
        total = weighted_point(weights.tolist(), train)
        there = leaves([p - self.inner_lr * g for p, g in zip(here, total, strict=True)])
        val = gradients(problem.val(there), there)
        inner = -self.inner_lr * products(val, train)  # dL_t^val / dw_i
        rows: np.ndarray = weights * (inner - (inner @ weights)[:, None])
        rounding = len(weights) * torch.finfo(problem.parameters[0].dtype).eps
        rows[np.abs(rows).max(axis=1) <= rounding * np.abs(inner).max(axis=1)] = 0.0
        return rows
