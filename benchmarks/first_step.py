"""A balancer that ends a run at its first step, by which its start can be timed."""

from __future__ import annotations

from torch import Tensor

from plait.balancing import Info, LossBalancer
from plait.core.errors import ConfigError

SAID = "the first step begins here"


class FirstStep(LossBalancer):
    """Ends the run where the losses of the first step are to be weighed."""

    def objective(self, losses: Tensor, info: Info) -> Tensor:
        """Raises `ConfigError`, so that the command ends with exit code 2."""
        raise ConfigError(f"{SAID}.")
