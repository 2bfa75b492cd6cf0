"""Soft optimal uncertainty weights."""

from __future__ import annotations

import torch
from torch import Tensor

from plait.balancing.algebra.logarithm import vanished
from plait.balancing.base import LossBalancer
from plait.balancing.contract.info import Info
from plait.core.errors import ConfigError


class UWSO(LossBalancer):
    """Weights each loss by a softmax of the inverse losses (UW-SO).

        sum_t w_t L_t,    w_t = exp(1 / (temperature L_t)) / sum_s exp(1 / (temperature L_s))

    without a gradient through w. The weights that `UncertaintyWeights` learns slowly are 1 / L_t at
    their best; here they follow the losses at once, and the temperature says how far. Only the
    differences of 1 / L count, in the unit of the losses: once losses are small against
    1 / temperature, nearly all weight goes to the smallest, and a higher temperature is called for.

    Args:
        temperature: positive; the higher, the more equal the weights. 1 by default (ours): it is
            the one setting that the paper tunes for each data set.

    Shapes: losses `[T]`, not negative; weights `[T]` with sum 1.

    Raises:
        ConfigError: `temperature` is not positive.

    Example:
        >>> import math
        >>> losses = torch.tensor([1.0, 0.5], requires_grad=True)  # exp(1 / tau L) = 3 and 9
        >>> balancer = UWSO(temperature=1 / math.log(3))
        >>> torch.autograd.grad(balancer.objective(losses), losses)[0]
        tensor([0.2500, 0.7500])

    Differs: a loss of zero, which would take all weight, gets none.

    Cost: one backward pass, no memory.

    Reference: Kirchdorfer, Elich, Kutsche, Stuckenschmidt, Schott, Köhler, "Analytical
        Uncertainty-Based Loss Weighting in Multi-Task Learning", GCPR 2024.
    """

    equal_weight = "mean"
    positive_losses = True

    def __init__(self, *, temperature: float = 1.0) -> None:
        super().__init__()
        if not temperature > 0:
            raise ConfigError(f"`temperature` must be positive; found {temperature}.")
        self.temperature = temperature

    def objective(self, losses: Tensor, info: Info | None = None) -> Tensor:
        """Returns the weighted sum; 0 if every loss is."""
        values, gone = losses.detach(), vanished(losses)
        largest = torch.finfo(values.dtype).max
        inverse = (1 / torch.where(gone, 1.0, values) / self.temperature).clamp(max=largest)
        # The lowest number in place of -inf, of which a softmax over nothing else would be NaN
        weights = torch.where(gone, -largest, inverse).softmax(0) * ~gone
        return weights @ losses
