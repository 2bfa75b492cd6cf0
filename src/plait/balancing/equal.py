"""Fixed weights; equal by default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from plait.balancing.base import LossBalancer
from plait.balancing.contract.info import Info
from plait.balancing.contract.names import check_names
from plait.core.errors import ConfigError


class Equal(LossBalancer):
    """Adds up the losses: ``sum_t c_t L_t`` with constant weights c, one each by default.

    The plain sum is the baseline that every other method has to beat, and often the winner.

    Args:
        weights: `{task: c_t}`, positive; tasks that are not named get 1.

    Cost: one backward pass, no memory.

    Reference: Kurin, De Palma, Kostrikov, Whiteson, Kumar, "In Defense of the Unitary Scalarization
        for Deep Multi-Task Learning", NeurIPS 2022.

    Example:
        >>> import torch
        >>> Equal().objective(torch.tensor([1.0, 2.0]), Info(("a", "b"))).item()
        3.0
    """

    constant = True

    def __init__(self, *, weights: Mapping[str, float] | None = None) -> None:
        super().__init__()
        self.weights = None if weights is None else dict(weights)
        for task, weight in (weights or {}).items():
            if not weight > 0:
                raise ConfigError(f"`weights` must be positive; found {weight} for task {task!r}.")

    def setup(self, tasks: Sequence[str]) -> None:
        """Checks that the named tasks exist."""
        check_names(self.weights or {}, tasks)
        super().setup(tasks)

    def objective(self, losses: Tensor, info: Info) -> Tensor:
        """Returns the weighted sum of the losses."""
        return losses.sum() if self.weights is None else losses @ self._weights(losses, info)

    def slopes(self, losses: Tensor, info: Info) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """Returns the weights themselves, without a pass through `objective`."""
        return self._weights(losses, info), []

    def _weights(self, losses: Tensor, info: Info) -> Tensor:
        if self.weights is None:
            return torch.ones_like(losses)
        weights = [self.weights.get(task, 1.0) for task in info.tasks]
        return torch.tensor(weights, dtype=losses.dtype, device=losses.device)
