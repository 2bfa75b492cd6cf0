"""Multi-objective gradient correction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from plait.balancing.algebra.rows import row_lengths, weighted_sum
from plait.balancing.base import JacobianBalancer
from plait.balancing.contract.info import Info
from plait.balancing.contract.losses import losses_of
from plait.balancing.contract.names import tasks_of_rows
from plait.balancing.memory.row import RowState
from plait.balancing.memory.task import TaskState
from plait.balancing.solvers.simplex import project_simplex
from plait.core.errors import ConfigError


class MoCo(JacobianBalancer):
    """Mixes averaged gradients with weights that move, step by step, to the min-norm ones (MoCo).

        y_i <- y_i - beta_k (y_i - g_i)                          y_i = 0 at first
        w   <- project(w - gamma_k (Y Y^T w + rho w))            w_i = 1/T at first
        d = Y^T w

    with g_i the rows of J, ``project`` the nearest point of the simplex of the tasks present,
    ``beta_k = beta / k^beta_sigma``, ``gamma_k = gamma / k^gamma_sigma`` and k the number of steps
    of the task so far. The averages take the bias of stochastic gradients out of MGDA; w is in
    `last_weights`. Its step is not scale-free: gamma |g|^2 should be
    about 1 or less.

    Args:
        beta: how fast the averages follow, in (0, 1]; 0.1 as in the authors' code.
        gamma: step size of the weights, positive; 0.1.
        rho: pulls the weights together, 0 or more; 0.1.
        beta_sigma: how fast beta falls with the steps; 0 does not.
        gamma_sigma: the same for gamma.
        variant: "paper", or "libmtl": rows g_i replaced by ``L_i g_i / |g_i|`` and a softmax in
            place of the projection, which pulls the weights to equal ones; with beta = 0.5,
            beta_sigma = gamma_sigma = 0.5, rho = 0 it is that library's default.

    Shapes: jacobian `[T, P]`, direction `[P]`; info.losses `[T]` for "libmtl".

    Raises:
        ConfigError: an option is outside its range; "libmtl" without losses; the shared parameters
            have become fewer.

    Example:
        >>> balancer = MoCo(beta=1.0, gamma=0.1, rho=0.0)
        >>> balancer.combine(torch.tensor([[1.0, 0.0], [0.0, 2.0]]))
        tensor([0.5750, 0.8500])
        >>> balancer.last_weights
        tensor([0.5750, 0.4250], dtype=torch.float64)

    Differs: "libmtl" adds nothing to |g_i|; a gradient of zero stays zero.

    Cost: T backward passes; O(T P) arithmetic. The averages `[T, P]` live across steps, and a
        second `[T, P]` within one.

    Reference: Fernando, Shen, Liu, Chaudhury, Murugesan, Chen, "Mitigating Gradient Bias in
        Multi-objective Learning: A Provably Convergent Approach", ICLR 2023, algorithm 1.
    """

    equal_weight = "mean"
    row_buffers = 1

    def __init__(
        self,
        *,
        beta: float = 0.1,
        gamma: float = 0.1,
        rho: float = 0.1,
        beta_sigma: float = 0.0,
        gamma_sigma: float = 0.0,
        variant: Literal["paper", "libmtl"] = "paper",
    ) -> None:
        super().__init__()
        if not 0 < beta <= 1:
            raise ConfigError(f"`beta` must be in (0, 1]; found {beta}.")
        if not gamma > 0:
            raise ConfigError(f"`gamma` must be positive; found {gamma}.")
        rest = {"rho": rho, "beta_sigma": beta_sigma, "gamma_sigma": gamma_sigma}
        for option, value in rest.items():
            if not value >= 0:
                raise ConfigError(f"`{option}` must not be negative; found {value}.")
        if variant not in ("paper", "libmtl"):
            raise ConfigError(f"`variant` must be 'paper' or 'libmtl'; found {variant!r}.")
        self.beta, self.gamma, self.rho = beta, gamma, rho
        self.beta_sigma, self.gamma_sigma = beta_sigma, gamma_sigma
        self.variant = variant
        self.averages, self.task_weights, self.steps = RowState(), TaskState(), TaskState()

    def combine(self, jacobian: Tensor, info: Info | None = None, **draws: Any) -> Tensor:
        """Returns the direction, and remembers the averages and the weights."""
        tasks = tasks_of_rows(jacobian, info)
        steps = self.steps.get(tasks, torch.zeros((), dtype=torch.float64)) + 1
        rows = self._averaged(tasks, jacobian, info, steps)
        equal = torch.tensor(1.0 / len(tasks), dtype=torch.float64)
        old = self.task_weights.get(tasks, equal).numpy()

        current = weighted_sum(old.tolist(), rows)
        slopes = torch.stack([torch.dot(row, current) for row in rows]).cpu().double().numpy()
        if not np.isfinite(slopes).all():  # squares that single precision does not hold
            wide = torch.stack([torch.dot(row.double(), current.double()) for row in rows])
            slopes = wide.cpu().numpy()
        gamma = self.gamma / steps.numpy() ** self.gamma_sigma
        moved = old - gamma * (slopes + self.rho * old)
        weights = torch.from_numpy(self._onto_simplex(moved))

        self.averages.keep(tasks, rows)
        self.task_weights.put(tasks, weights)
        self.steps.put(tasks, steps)
        self.last_weights = weights
        return weighted_sum(weights.tolist(), rows)

    def _averaged(
        self, tasks: Sequence[str], jacobian: Tensor, info: Info | None, steps: Tensor
    ) -> list[Tensor]:
        beta = (self.beta / steps**self.beta_sigma).tolist()
        lengths = self._lengths(jacobian, info)
        known = self.averages.rows(tasks, jacobian)
        return [
            old.mul(1 - b).add_(row, alpha=b * length)
            for old, row, length, b in zip(known, jacobian, lengths, beta, strict=True)
        ]

    def _lengths(self, jacobian: Tensor, info: Info | None) -> list[float]:
        """Returns a factor for each row, `[T]`, applied before it enters the average."""
        if self.variant == "paper":
            return [1.0] * len(jacobian)
        losses = losses_of(info, "MoCo with variant='libmtl'").numpy()
        lengths = row_lengths(jacobian)
        scaled = np.divide(losses, lengths, out=np.zeros_like(losses), where=lengths > 0)
        return [float(factor) for factor in scaled]

    def _onto_simplex(self, moved: np.ndarray) -> np.ndarray:
        if self.variant == "paper":
            return project_simplex(moved)
        shares = np.exp(moved - moved.max())
        result: np.ndarray = shares / shares.sum()
        return result
