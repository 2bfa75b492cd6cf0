"""Weights from excess risks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from plait.balancing.algebra.rows import at_least_single
from plait.balancing.base import JacobianBalancer
from plait.balancing.contract.info import Info
from plait.balancing.contract.names import tasks_of_rows
from plait.balancing.memory.row import RowState
from plait.balancing.memory.task import TaskState
from plait.core.errors import ConfigError


class ExcessMTL(JacobianBalancer):
    """Weights each task by how far it is from its own optimum, so that label noise does not count.

        S_i <- S_i + g_i^2                          at each parameter; S_i = 0 at first
        r_i = sum_p g_ip^2 / sqrt(S_ip + eps)       the estimated excess risk
        w_i <- w_i exp(robust_step_size r_i / r0_i), then sum_i w_i = T
        d = J^T w

    with r0_i the first r_i that is not zero. The weights start at 1 and stay as they are in the
    step that sets r0_i. A task whose loss is high because its labels are noisy has a small r_i near
    its optimum, although its loss stays high. The weights are in `last_weights`.

    Args:
        robust_step_size: of the weights, positive; 0.01, the default of the authors' code (their
            runs use up to 1).
        bound: no weight falls below ``exp(-bound)`` of the largest, so that a task can come back;
            10 (ours; the weights differ by at most a factor of 2.2e4).
        eps: keeps the quotient finite; 1e-7 as in the authors' code. It is absolute: for gradients
            far below 1e-4 per parameter set it lower.

    Shapes: jacobian `[T, P]`, direction `[P]`.

    Raises:
        ConfigError: an option is not positive; the shared parameters have become fewer.

    Example:
        >>> balancer = ExcessMTL(robust_step_size=1.0)
        >>> balancer.combine(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
        tensor([1., 1.])
        >>> direction = balancer.combine(torch.tensor([[1.0, 0.0], [0.0, 0.1]]))
        >>> balancer.last_weights
        tensor([1.3351, 0.6649], dtype=torch.float64)

    Differs: log weights, bounded, so that no weight is lost for good; r0 waits for a gradient that
        is not zero, where the authors' code gives NaN. New shared parameters start with S = 0.

    Cost: T backward passes; O(T P) arithmetic. S `[T, P]` lives across steps, and a second `[T, P]`
        within one.

    Reference: He, Zhou, Zhang, Yun, Xu, Zeng, Chilimbi, Zhao, "Robust Multi-Task Learning with
        Excess Risks", ICML 2024, algorithm 1.
    """

    row_buffers = 1
    gives_weights = True

    def __init__(
        self, *, robust_step_size: float = 0.01, bound: float = 10.0, eps: float = 1e-7
    ) -> None:
        super().__init__()
        options = {"robust_step_size": robust_step_size, "bound": bound, "eps": eps}
        for option, value in options.items():
            if not value > 0:
                raise ConfigError(f"`{option}` must be positive; found {value}.")
        self.robust_step_size, self.bound, self.eps = robust_step_size, bound, eps
        self.squares = RowState()
        self.first_excess, self.log_weights = TaskState(), TaskState()

    def combine(self, jacobian: Tensor, info: Info | None = None, **draws: Any) -> Tensor:
        """Returns the direction, and remembers the sums of squares and the weights."""
        tasks = tasks_of_rows(jacobian, info)
        squares, excess = self._excess(tasks, jacobian)
        if not bool(excess.isfinite().all()):  # squares that single precision does not hold
            squares, excess = self._excess(tasks, jacobian.double())

        zero = torch.zeros((), dtype=torch.float64)
        first = self.first_excess.get(tasks, zero)
        growth = torch.where(first > 0, excess / first, 0.0)
        log_weights = self.log_weights.get(tasks, zero) + self.robust_step_size * growth
        log_weights = _normalised(log_weights.clamp(min=float(log_weights.max()) - self.bound))

        self.squares.keep(tasks, squares)
        self.first_excess.put(tasks, torch.where(first > 0, first, excess))
        self.log_weights.put(tasks, log_weights)
        self.last_weights = log_weights.exp()
        return self.last_weights.to(jacobian) @ jacobian

    def _excess(self, tasks: Sequence[str], jacobian: Tensor) -> tuple[list[Tensor], Tensor]:
        """Returns S with the squares of this step, and r `[T]`, on the host."""
        known = self.squares.rows(tasks, jacobian)
        squares = [s.addcmul(row, row) for s, row in zip(known, jacobian, strict=True)]
        dtype = at_least_single(jacobian.dtype)
        excess = [
            (row.square() / s.add(self.eps).sqrt_()).sum(dtype=dtype)
            for s, row in zip(squares, jacobian, strict=True)
        ]
        return squares, torch.stack(excess).cpu().double()


def _normalised(log_weights: Tensor) -> Tensor:
    """Shifts the logarithms so that the T weights add up to T."""
    return log_weights - log_weights.logsumexp(dim=0) + math.log(len(log_weights))
