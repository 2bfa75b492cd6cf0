"""Dual balancing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
from plait.core.errors import ConfigError


class DBMTL(JacobianBalancer):
    """Balances the losses by their logarithms and the gradients by their norms (DB-MTL).

        g_i = J_i / (L_i + eps)                       the gradient of log(L_i + eps)
        h_i <- b_k h_i + (1 - b_k) g_i,               b_k = beta / k^beta_sigma, h_i = 0 at first
        d = sum_i alpha_i h_i,                        alpha_i = max_j |h_j| / (|h_i| + eps)

    with k the number of steps of task i so far. All scaled gradients are as long as the longest.
    `last_weights` are ``alpha_i / (L_i + eps)``: what the gradient of each loss counts, but for the
    averaging; without it (beta = 0), ``d = J^T w``.

    Args:
        beta: how much of the average is kept, in [0, 1); 0.9 as in the authors' library. 0 keeps no
            average, and no memory for it.
        beta_sigma: how fast that falls with the steps, 0 or more; 0 as in the authors' library, 0.5
            in the paper.
        eps: of the logarithm, and of the norms; 1e-8 as in the authors' library. A gradient of zero
            gets weight 0.

    Shapes: jacobian `[T, P]`, of the losses themselves; info.losses `[T]`; direction `[P]`.

    Raises:
        ConfigError: an option is outside its range; the losses are not known, or one is negative;
            the shared parameters have become fewer.

    Example:
        >>> info = Info(("a", "b"), losses=torch.tensor([1.0, 2.0]))
        >>> DBMTL(beta=0).combine(torch.tensor([[4.0, 0.0], [0.0, 2.0]]), info)
        tensor([4., 4.])

    Differs: the sum is not bias-corrected, as in the authors' code: with beta_sigma = 0 the first
        steps are too short by the factor 1 - beta^k.

    Cost: T backward passes; O(T P) arithmetic. With beta > 0 the averages `[T, P]` live across
        steps, and a second `[T, P]` within one; with beta = 0 neither.

    Reference: Lin, Jiang, Ye, Zhang, Chen, Kwok, "Dual-Balancing for Multi-Task Learning", arXiv
        2308.12029; Neural Networks, 2025.
    """

    positive_losses = True

    def __init__(self, *, beta: float = 0.9, beta_sigma: float = 0.0, eps: float = 1e-8) -> None:
        super().__init__()
        if not 0 <= beta < 1:
            raise ConfigError(f"`beta` must be in [0, 1); found {beta}.")
        if not beta_sigma >= 0:
            raise ConfigError(f"`beta_sigma` must not be negative; found {beta_sigma}.")
        if not eps > 0:
            raise ConfigError(f"`eps` must be positive; found {eps}.")
        self.beta = beta
        self.beta_sigma = beta_sigma
        self.eps = eps
        self.row_buffers = 1 if beta > 0 else 0
        self.averages, self.steps = RowState(), TaskState()

    def combine(self, jacobian: Tensor, info: Info | None = None, **draws: Any) -> Tensor:
        """Returns the direction, and remembers the averages."""
        tasks = tasks_of_rows(jacobian, info)
        losses = losses_of(info, "DBMTL")
        if bool((losses < 0).any()):
            raise ConfigError(
                f"`losses` must not be negative for DBMTL, which takes their logarithms; found "
                f"{losses.tolist()}."
            )
        factors = 1.0 / (losses + self.eps)
        if self.beta > 0:
            steps = self.steps.get(tasks, torch.zeros((), dtype=torch.float64)) + 1
            rows: Sequence[Tensor] | Tensor = self._averaged(tasks, jacobian, factors, steps)
            own = np.ones(len(rows))
        else:
            rows, own = jacobian, factors.numpy()
        norms = own * row_lengths(rows)
        alpha = np.where(norms > 0, norms.max() / (norms + self.eps), 0.0)
        direction = weighted_sum((alpha * own).tolist(), rows)
        if self.beta > 0:
            self.averages.keep(tasks, rows)
            self.steps.put(tasks, steps)
        self.last_weights = torch.from_numpy(alpha) * factors
        return direction

    def _averaged(
        self, tasks: Sequence[str], jacobian: Tensor, factors: Tensor, steps: Tensor
    ) -> list[Tensor]:
        kept = (self.beta / steps**self.beta_sigma).tolist()
        known = self.averages.rows(tasks, jacobian)
        return [
            old.mul(b).add_(row, alpha=(1 - b) * factor)
            for old, row, factor, b in zip(known, jacobian, factors.tolist(), kept, strict=True)
        ]
