"""Memory of the mean losses of the epochs that are over."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from plait.balancing.memory.task import TaskState


class EpochMeans(nn.Module):
    """The mean loss of each task over the last epoch, and over the one before it.

    A task counts the epochs in which it was present.

    Example:
        >>> means = EpochMeans()
        >>> for epoch, loss in enumerate([2.0, 1.0, 7.0]):
        ...     last, before = means.take(["a"], torch.tensor([loss]), epoch)
        >>> last, before
        (tensor([1.]), tensor([2.]))
    """

    def __init__(self) -> None:
        super().__init__()
        self.epoch, self.count, self.mean, self.last, self.before = (TaskState() for _ in range(5))

    def take(self, tasks: Sequence[str], losses: Tensor, epoch: int) -> tuple[Tensor, Tensor]:
        """Takes the losses of a step into the mean of its epoch; returns those of earlier ones.

        Args:
            tasks: the tasks present.
            losses: their losses `[T]` now.
            epoch: its number.

        Returns:
            the means `[T]` of the last two epochs that are over; 0 for one that is not yet.
        """
        zero = losses.new_zeros(())
        ended = self.epoch.get(tasks, zero + epoch) != epoch
        mean = self.mean.get(tasks, zero)
        before = torch.where(ended, self.last.get(tasks, zero), self.before.get(tasks, zero))
        last = torch.where(ended, mean, self.last.get(tasks, zero))

        count = torch.where(ended, 0.0, self.count.get(tasks, zero)) + 1
        mean = torch.where(ended, 0.0, mean)
        mean = mean + (losses - mean) / count
        self.epoch.put(tasks, torch.full_like(losses, epoch))
        for state, new in (
            (self.count, count),
            (self.mean, mean),
            (self.last, last),
            (self.before, before),
        ):
            state.put(tasks, new)
        return last, before
