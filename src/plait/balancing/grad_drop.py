"""Gradient sign dropout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from plait.balancing.algebra.rows import at_least_single
from plait.balancing.base import JacobianBalancer
from plait.balancing.bases.random import RandomBalancer
from plait.balancing.contract.info import Info
from plait.balancing.contract.names import check_names, tasks_of_rows
from plait.core.errors import ConfigError


class GradDrop(RandomBalancer, JacobianBalancer):
    """Keeps, at each coordinate, the gradients of one sign, drawn by how much each sign weighs.

        P_p = (1 + sum_i J_ip / sum_i |J_ip|) / 2
        d_p = sum_i (l_i + (1 - l_i) M_ip) J_ip,
        M_ip = 1 if J_ip > 0 and U_p < P_p, or J_ip < 0 and U_p >= P_p, else 0

    with U_p uniform on [0, 1), drawn anew for each coordinate and step. P_p is the share of the
    positive entries in the column's absolute sum; where all tasks agree nothing is dropped, and in
    expectation d keeps the sign of the sum.

    Args:
        leak: l, the share of a task's gradient that is never dropped, in [0, 1]: one number for all
            tasks, or `{task: l_i}` with 0 for tasks that are not named. 0 by default, as in the
            paper.
        seed: of the generator that draws U; the method owns it, and it is in `state_dict`.

    Shapes: jacobian `[T, P]`, direction `[P]`; the draw `U` `[P]`.

    Raises:
        ConfigError: `leak` is outside [0, 1], or names a task that is not there.

    Example:
        >>> jacobian = torch.tensor([[3.0, 1.0], [-1.0, 2.0]])
        >>> GradDrop().combine(jacobian, U=torch.tensor([0.5, 0.5]))  # P = (0.75, 1)
        tensor([3., 3.])
        >>> GradDrop().combine(jacobian, U=torch.tensor([0.9, 0.5]))
        tensor([-1.,  3.])

    Differs: the paper drops gradients of the activations, with their sign counted in and summed
        over the batch; here, as in most implementations, those of the shared parameters are
        dropped.

    Cost: T backward passes, O(T P) arithmetic, five vectors `[P]`.

    Reference: Chen, Ngiam, Huang, Luong, Kretzschmar, Chai, Anguelov, "Just Pick a Sign: Optimizing
        Deep Multitask Models with Gradient Sign Dropout", NeurIPS 2020, algorithm 1.
    """

    def __init__(self, *, leak: float | Mapping[str, float] = 0.0, seed: int = 0) -> None:
        super().__init__(seed=seed)
        self.leak = dict(leak) if isinstance(leak, Mapping) else leak
        for value in leak.values() if isinstance(leak, Mapping) else [leak]:
            if not 0 <= value <= 1:
                raise ConfigError(f"`leak` must be in [0, 1]; found {value}.")

    def setup(self, tasks: Sequence[str]) -> None:
        """Checks that the tasks with a leak of their own exist."""
        check_names(self.leak if isinstance(self.leak, Mapping) else (), tasks)
        super().setup(tasks)

    def combine(
        self, jacobian: Tensor, info: Info | None = None, *, U: Tensor | None = None, **draws: Any
    ) -> Tensor:
        """Returns the direction; `U` in [0, 1) replaces the draw."""
        tasks = tasks_of_rows(jacobian, info)
        positive, negative = self._split(jacobian)  # of the whole gradients, for P
        draw = self._draw(jacobian) if U is None else U.to(jacobian.device)
        keeps_positive = positive > draw * (positive + negative)  # U < P, without 0/0
        leaks = [self._leak(task) for task in tasks]
        if not any(leaks):
            return torch.where(keeps_positive, positive, -negative).to(jacobian.dtype)
        direction = torch.zeros_like(positive)
        for row, leak in zip(jacobian, leaks, strict=True):
            kept = torch.where((row > 0) == keeps_positive, row, leak * row)
            direction += kept
        return direction.to(jacobian.dtype)

    def _split(self, jacobian: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the sums `[P]` of the positive and of the negative entries, without sign."""
        positive = jacobian.new_zeros(jacobian.shape[1], dtype=at_least_single(jacobian.dtype))
        negative = torch.zeros_like(positive)
        for row in jacobian:
            positive += row.clamp(min=0)
            negative -= row.clamp(max=0)
        return positive, negative

    def _draw(self, jacobian: Tensor) -> Tensor:
        """Draws U on the device of the rows: one number of the method's generator seeds it."""
        generator = torch.Generator(jacobian.device)
        generator.manual_seed(int(self.generator.integers(2**63)))
        # In single precision whatever the rows are: the choice does not depend on their dtype
        return torch.rand(
            jacobian.shape[1], generator=generator, device=jacobian.device, dtype=torch.float32
        )

    def _leak(self, task: str) -> float:
        return self.leak.get(task, 0.0) if isinstance(self.leak, Mapping) else self.leak
