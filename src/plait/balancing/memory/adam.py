"""Adam for numbers that a method learns itself, one per task."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from plait.balancing.memory.task import TaskState


class TaskAdam(nn.Module):
    """One Adam step on a number for each task; an absent task keeps its number and its moments.

        m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2,
        x <- x - lr (m / (1 - b1^k)) / (sqrt(v / (1 - b2^k)) + eps),    g <- g + decay x before

    with k the number of steps of that task.

    Args:
        lr: learning rate.
        weight_decay: added to the gradient as ``decay x x`` (L2, not decoupled).
        betas: b1 and b2.
        eps: keeps the quotient finite.

    Example:
        >>> TaskAdam(lr=0.1).step(["a", "b"], torch.zeros(2), torch.tensor([3.0, -2.0]))
        tensor([-0.1000,  0.1000])

    Reference: Kingma, Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015.
    """

    def __init__(
        self,
        *,
        lr: float,
        weight_decay: float = 0.0,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__()
        self.lr = lr
        self.weight_decay = weight_decay
        self.betas = betas
        self.eps = eps
        self.first, self.second, self.steps = TaskState(), TaskState(), TaskState()

    @torch.no_grad()
    def step(self, tasks: Sequence[str], values: Tensor, gradients: Tensor) -> Tensor:
        """Returns the values `[T]` of `tasks` after one Adam step on `gradients` `[T]`."""
        b1, b2 = self.betas
        zero = values.new_zeros(())
        gradients = gradients + self.weight_decay * values
        first = self.first.get(tasks, zero).lerp(gradients, 1 - b1)
        second = self.second.get(tasks, zero).lerp(gradients.square(), 1 - b2)
        steps = self.steps.get(tasks, zero) + 1
        for state, new in ((self.first, first), (self.second, second), (self.steps, steps)):
            state.put(tasks, new)
        scale = (second / (1 - b2**steps)).sqrt() + self.eps
        return values - self.lr * (first / (1 - b1**steps)) / scale
