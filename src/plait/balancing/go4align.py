"""Group optimisation for multi-task alignment."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from plait.balancing.algebra.logarithm import vanished
from plait.balancing.base import LossBalancer
from plait.balancing.contract.info import Info
from plait.balancing.contract.names import tasks_present
from plait.balancing.memory.task import TaskState
from plait.balancing.solvers.kmeans import kmeans_1d
from plait.core.errors import ConfigError


class GO4Align(LossBalancer):
    """Groups tasks by their risk, and gives the tasks of a group the same weight.

        p_t <- p_t exp(-step_size L_t) / sum_u ...,    q_t = p_t sum_u L_u / L_t

    and the weight of a task is the centre of its cluster when the q are put into `num_groups`
    clusters by k-means. p starts at 1/T. Equal losses get the weight 1 each.

    Args:
        num_groups: clusters, at least 1; 2 (ours: with 1 all weights are equal).
        step_size: positive, per unit of loss; 1e-4 as in the authors' code.

    Shapes: losses `[T]`, not negative.

    Raises:
        ConfigError: an option outside its range.

    Example:
        >>> losses = torch.tensor([1.0, 1.0, 2.0], requires_grad=True)  # q about 4/3, 4/3, 2/3
        >>> torch.autograd.grad(GO4Align().objective(losses), losses)[0]
        tensor([1.3334, 1.3334, 0.6666])

    Differs: k-means in one dimension is solved exactly; the authors start a general one at random.
        The tasks present share the p that they had together, so that an absent task keeps its own.
        A loss of zero gets the weight 0.

    Cost: one backward pass, O(num_groups T^2) arithmetic on the host; one number per task.

    Reference: Shen, Chen, Snoek, Zhen, Worring, "GO4Align: Group Optimization for Multi-Task
        Alignment", NeurIPS 2024.
    """

    positive_losses = True

    def __init__(self, *, num_groups: int = 2, step_size: float = 1e-4) -> None:
        super().__init__()
        if num_groups < 1:
            raise ConfigError(f"`num_groups` must be at least 1; found {num_groups}.")
        if not step_size > 0:
            raise ConfigError(f"`step_size` must be positive; found {step_size}.")
        self.num_groups = num_groups
        self.step_size = step_size
        self.log_shares = TaskState()

    def objective(self, losses: Tensor, info: Info | None = None) -> Tensor:
        """Returns the weighted sum, and updates p."""
        values = losses.detach()
        shares = self._update(tasks_present(losses, info), values)
        left = ~vanished(values)
        risks = shares * values.sum() / torch.where(left, values, 1.0)
        weights = torch.zeros_like(values)
        centres = kmeans_1d(risks[left].double().cpu().numpy(), self.num_groups)
        weights[left] = torch.from_numpy(centres).to(values)
        return weights @ losses

    def _update(self, tasks: Sequence[str], values: Tensor) -> Tensor:
        """Returns p of the tasks present, which add up to 1."""
        before = self.log_shares.get(tasks, values.new_zeros(()))
        after = before - self.step_size * values
        self.log_shares.put(tasks, after + before.logsumexp(0) - after.logsumexp(0))
        return after.softmax(0)
