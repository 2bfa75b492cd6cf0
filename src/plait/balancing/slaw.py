"""Scaled loss approximate weighting."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from plait.balancing.algebra.logarithm import vanished
from plait.balancing.base import LossBalancer
from plait.balancing.bases.preference import Preference, PreferenceBalancer
from plait.balancing.contract.info import Info
from plait.balancing.contract.names import tasks_present
from plait.balancing.memory.task import TaskState
from plait.core.errors import ConfigError

FLOOR = 1e-5  # of a standard deviation, relative to the mean; the authors' number is absolute


class SLAW(PreferenceBalancer, LossBalancer):
    """Weights each loss by the inverse of its running standard deviation.

        w_t = T (p_t / s_t) / sum_u (p_u / s_u),    s_t = sqrt(E[L_t^2] - E[L_t]^2)

    The deviation of a loss from step to step stands in for the length of its gradient, so the tasks
    move the shared parameters about equally, at the cost of one backward pass. A task gets the
    mean weight, 1 before the preference, until it has been present in two steps.

    Args:
        beta: in (0, 1), of the exponential averages E; 0.99 as in the authors' code. They are plain
            means over the first 1 / (1 - beta) steps of a task.
        bias_correction: False takes E exponential from zero at the first step on, as in the paper.
        preference: `{task: p_t}`, positive; tasks that are not named get 1.

    Shapes: losses `[T]`.

    Raises:
        ConfigError: an option outside its range, or a preference for an unknown task.

    Example:
        >>> balancer = SLAW()
        >>> _ = balancer.objective(torch.tensor([1.0, 1.0]))
        >>> losses = torch.tensor([2.0, 4.0], requires_grad=True)  # deviations 0.5 and 1.5
        >>> torch.autograd.grad(balancer.objective(losses), losses)[0]
        tensor([1.5000, 0.5000])

    Differs: the deviation is updated by Welford's recursion; the difference of squares cancels in
        single precision, where the authors' code then skips the update. Its floor is relative to
        the mean loss (1e-5 of it), so that the method does not depend on the unit of a loss. The
        preference is ours.

    Cost: one backward pass; three numbers per task.

    Reference: Crawshaw, Kosecka, "SLAW: Scaled Loss Approximate Weighting for Efficient Multi-Task
        Learning", arXiv 2109.08218, 2021.
    """

    scale_free = True

    def __init__(
        self,
        *,
        beta: float = 0.99,
        bias_correction: bool = True,
        preference: Preference | None = None,
    ) -> None:
        super().__init__(preference=preference)
        if not 0 < beta < 1:
            raise ConfigError(f"`beta` must be between 0 and 1; found {beta}.")
        self.beta = beta
        self.bias_correction = bias_correction
        self.count, self.mean, self.deviation = TaskState(), TaskState(), TaskState()

    def objective(self, losses: Tensor, info: Info | None = None) -> Tensor:
        """Returns the weighted sum, and takes the losses into the running deviations."""
        tasks = tasks_present(losses, info)
        deviation = self._update(tasks, losses.detach())
        known = ~vanished(deviation)
        smallest = torch.where(known, deviation, torch.inf).min()
        inverse = torch.where(known, smallest / deviation, 0.0)
        weights = torch.where(known, known.sum() * inverse / inverse.sum(), 1.0)
        weights = weights * self.preferred(tasks, losses)
        return len(tasks) * weights / weights.sum() @ losses

    def _update(self, tasks: Sequence[str], values: Tensor) -> Tensor:
        """Returns the deviations s `[T]`; 0 for a task that has none yet."""
        zero = values.new_zeros(())
        count = self.count.get(tasks, zero) + 1
        rate = torch.full_like(values, 1 - self.beta)
        if self.bias_correction:
            rate = torch.where(count <= round(1 / (1 - self.beta)), 1 / count, rate)
        mean = self.mean.get(tasks, zero)
        change = values - mean
        mean = mean + rate * change
        # (1 - rate) (s^2 + rate change^2), without a square that could leave the range of floats
        deviation = self.deviation.get(tasks, zero)
        deviation = (1 - rate).sqrt() * torch.hypot(deviation, rate.sqrt() * change)
        for state, new in ((self.count, count), (self.mean, mean), (self.deviation, deviation)):
            state.put(tasks, new)
        return torch.where(rate < 1, torch.maximum(deviation, FLOOR * mean.abs()), 0.0)
