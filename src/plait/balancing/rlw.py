"""Random loss weighting."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from plait.balancing.base import LossBalancer
from plait.balancing.bases.random import RandomBalancer
from plait.balancing.contract.info import Info
from plait.core.errors import ConfigError

Distribution = Literal["normal", "uniform", "dirichlet", "bernoulli"]


class RLW(RandomBalancer, LossBalancer):
    """Draws new weights in every step (random loss weighting).

        normal:     w = softmax(z),   z_t ~ N(0, 1)
        uniform:    w = softmax(z),   z_t ~ U[0, 1)
        dirichlet:  w ~ Dirichlet(1, ..., 1): z / sum z,   z_t ~ Exp(1)
        bernoulli:  w = z / sum z,    z_t ~ 0 or 1 with equal chances, not all 0

    The weights add up to 1, and each has the mean 1/T. A baseline that every method which adapts
    its weights should beat.

    Args:
        distribution: of the weights; "normal" by default.
        seed: of the generator that draws; the method owns it, and it is in `state_dict`.

    Shapes: losses `[T]`.

    Raises:
        ConfigError: an unknown distribution.

    Example:
        >>> balancer = RLW(distribution="bernoulli")
        >>> balancer.weights_of(torch.tensor([1.0, 0.0, 1.0]))
        tensor([0.5000, 0.0000, 0.5000])
        >>> balancer.weights_of(balancer.sample(3)).sum()
        tensor(1., dtype=torch.float64)

    Cost: one backward pass, no memory.

    Reference: Lin, Ye, Zhang, Tsang, "Reasonable Effectiveness of Random Weighting: A Litmus Test
        for Multi-Task Learning", TMLR 2022.
    """

    equal_weight = "mean"

    def __init__(self, *, distribution: Distribution = "normal", seed: int = 0) -> None:
        super().__init__(seed=seed)
        known = ("normal", "uniform", "dirichlet", "bernoulli")
        if distribution not in known:
            raise ConfigError(f"`distribution` must be one of {known}; found {distribution!r}.")
        self.distribution = distribution

    def sample(self, tasks: int) -> Tensor:
        """Draws z for a number of tasks, `[T]`, float64."""
        match self.distribution:
            case "normal":
                draw = self.generator.standard_normal(tasks)
            case "uniform":
                draw = self.generator.random(tasks)
            case "dirichlet":
                draw = self.generator.standard_exponential(tasks)
            case "bernoulli":
                draw = self.generator.integers(2, size=tasks).astype(float)
                while not draw.any():
                    draw = self.generator.integers(2, size=tasks).astype(float)
        return torch.from_numpy(draw)

    def weights_of(self, draw: Tensor) -> Tensor:
        """Returns the weights `[T]` that z gives."""
        if self.distribution in ("normal", "uniform"):
            return draw.softmax(0)
        return draw / draw.sum()

    def objective(self, losses: Tensor, info: Info | None = None) -> Tensor:
        """Returns the sum of the losses with weights that are drawn anew."""
        return self.weights_of(self.sample(len(losses))).to(losses) @ losses
