"""Regularizers with a quantity that is estimated from the parameters now and then."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError
from plait.regularization.base import Mode, ParameterRegularizer


class Estimating(ParameterRegularizer):
    """Alternates: the networks learn with the estimate held; then the estimate is made anew.

    Args:
        every: optimizer steps from one estimate to the next, at least 1.

    The other arguments are those of `ParameterRegularizer`.
    """

    steps: Tensor

    def __init__(
        self,
        *,
        strength: float,
        mode: Mode = "loss",
        every: int = 1,
        scope: str = "*",
        include_bias: bool = True,
        heads: bool = False,
    ) -> None:
        super().__init__(
            strength=strength, mode=mode, scope=scope, include_bias=include_bias, heads=heads
        )
        if every < 1:
            raise ConfigError(f"`every` must be at least 1 step; found {every}.")
        self.every = every

    def setup(
        self, networks: Mapping[str, nn.Module], heads: Mapping[str, nn.Module] | None = None
    ) -> None:
        """Matches the parameters and starts the estimate."""
        super().setup(networks, heads)
        device = self.groups[0][0].device
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64, device=device))
        self.start()

    @abstractmethod
    def start(self) -> None:
        """Registers the buffers of the estimate with its first value."""

    @abstractmethod
    def estimate(self) -> None:
        """Makes the estimate anew from the parameters as they are; without a graph."""

    def after_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Runs the proximal step, in that mode, and then the estimate, if it is due."""
        super().after_step(optimizer)
        if self.strength == 0:
            return
        self.steps += 1
        if self.every == 1 or int(self.steps) % self.every == 0:
            self.estimate()
