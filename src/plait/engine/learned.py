"""A balancer's learned weights have to be in the optimizer."""

from __future__ import annotations

import torch
from torch import Tensor

from plait.balancing.base import Balancer
from plait.core.errors import ConfigError

UNMOVED = 100  # steps after which learned weights that no optimizer has moved are an error


class LearnedWeights:
    """Watches that an optimizer moves the weights that a balancer learns."""

    def __init__(self) -> None:
        self.first: list[Tensor] | None = None
        self.steps = 0

    def watch(self, balancer: Balancer) -> None:
        """Is called once in each step.

        Raises:
            ConfigError: the weights are after 100 steps what they were at the first.
        """
        learned = [p.detach().cpu() for p in balancer.parameters() if p.requires_grad]
        if not learned:
            return
        if self.first is None:
            self.first = [parameter.clone() for parameter in learned]
        self.steps += 1
        if self.steps == UNMOVED and all(map(torch.equal, learned, self.first)):
            self.steps = 0
            raise ConfigError(
                f"the learned weights of {type(balancer).__name__} have not moved in {UNMOVED} "
                "steps: no optimizer has them. Make it with "
                "`plait.parameter_groups(model, balancer)`."
            )
