"""Memory of the losses of an early epoch, by which later ones are divided."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from plait.balancing.algebra.logarithm import vanished
from plait.balancing.memory.task import TaskState


class ReferenceLosses(nn.Module):
    """The mean loss of each task over one epoch.

    A task that has none, because it was absent or its losses were zero, is measured by its first
    later loss that is not zero.

    Example:
        >>> reference = ReferenceLosses()
        >>> reference.add(["a"], torch.tensor([1.0]))
        >>> reference.add(["a"], torch.tensor([3.0]))
        >>> reference.of(["a", "late"], torch.tensor([9.0, 5.0]))
        tensor([2., 5.])
    """

    def __init__(self) -> None:
        super().__init__()
        self.count, self.mean = TaskState(), TaskState()

    def add(self, tasks: Sequence[str], losses: Tensor) -> None:
        """Takes the losses `[T]` of a step of that epoch into the mean."""
        zero = losses.new_zeros(())
        count = self.count.get(tasks, zero) + 1
        mean = self.mean.get(tasks, zero)
        self.count.put(tasks, count)
        self.mean.put(tasks, mean + (losses - mean) / count)

    def of(self, tasks: Sequence[str], losses: Tensor) -> Tensor:
        """Returns the reference losses `[T]` of `tasks`.

        A task without one takes its present loss as its reference; 1 as long as that is zero.

        Args:
            tasks: the tasks present.
            losses: their losses `[T]` now.
        """
        mean = self.mean.get(tasks, losses.new_zeros(()))
        mean = torch.where(vanished(mean), losses, mean)
        self.mean.put(tasks, mean)
        return torch.where(vanished(mean), 1.0, mean)
