"""A learned strength for each layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError
from plait.core.watched import Watched
from plait.regularization.algebra.joined import joined
from plait.regularization.algebra.spread import pull_together, spread_of
from plait.regularization.base import Mode, ParameterRegularizer


class LearnedStrength(ParameterRegularizer):
    """Pulls each layer towards the mean of the tasks, with a strength of its own that is learned.

        R = sum_l lambda_l D_l - n_l / 2 log lambda_l,    D_l = sum_t |theta_tl - mean_l|^2

    with theta_tl the parameters of layer l of task t, and n_l = (T - 1) numel_l. It is the negative
    logarithm of a Gaussian with precision 2 lambda_l around the mean. Without the logarithm,
    lambda_l would go to 0; with it, the best one is ``n_l / (2 D_l)``: layers in which the tasks
    agree are tied more. R may be below 0. The proximal step is that of `MeanRegularized`, with
    lambda_l held.

    Args:
        strength: factor of R, at least 0. As a negative log-likelihood, R belongs to the sum of the
            losses over all examples; for losses that are means, the Bayesian choice is 1 / (number
            of training examples).
        mode: "loss" or "prox". Where tasks agree, lambda_l is large, and "loss" is stable only for
            ``learning rate x strength x 2 lambda_l < 2``; "prox" always is.
        rate: "closed" (default): lambda_l = n_l / (2 D_l + eps) of the parameters as they are; or
            "learned": log lambda_l is a parameter, from 0 on, with its gradient divided by n_l (a
            natural gradient, so that large layers do not move it faster), for mode "loss".
        eps: above 0; 1e-3 by default (ours). Bounds lambda_l by n_l / eps.
        scope: a pattern of parameter names; all by default.
        include_bias: whether biases are tied.
        heads: whether the tasks' heads are tied as well.

    Raises:
        ConfigError: an option outside its range, or a learned rate in mode "prox".

    Cost: O(T P) arithmetic in each step; the memory of the T networks.

    Reference: ours, from the Gaussian model of multi-task learning by Evgeniou, Pontil,
        "Regularized Multi-Task Learning", KDD 2004, and learned uncertainties as in Kendall, Gal,
        Cipolla, "Multi-Task Learning Using Uncertainty to Weigh Losses", CVPR 2018.
    """

    nonnegative = False
    decays = False

    def __init__(
        self,
        *,
        strength: float,
        mode: Mode = "loss",
        rate: Literal["closed", "learned"] = "closed",
        eps: float = 1e-3,
        scope: str = "*",
        include_bias: bool = True,
        heads: bool = False,
    ) -> None:
        super().__init__(
            strength=strength, mode=mode, scope=scope, include_bias=include_bias, heads=heads
        )
        if rate not in ("closed", "learned"):
            raise ConfigError(f"`rate` must be 'closed' or 'learned'; found {rate!r}.")
        if not eps > 0:
            raise ConfigError(f"`eps` must be above 0; found {eps}.")
        if rate == "learned" and mode == "prox":
            raise ConfigError(
                "rate='learned' gets its gradient from the objective, which mode='prox' leaves R "
                "out of. Use rate='closed'."
            )
        self.rate = rate
        self.eps = eps
        self.log_strengths: nn.Parameter | None = None

    def setup(
        self, networks: Mapping[str, nn.Module], heads: Mapping[str, nn.Module] | None = None
    ) -> None:
        """Matches the parameters and starts the learned strengths at 1."""
        super().setup(networks, heads)
        if self.rate == "learned" and self.strength > 0:
            like = joined([self.groups[0]]).detach()
            self.log_strengths = nn.Parameter(like.new_zeros(len(self.groups)))

    def cost(self) -> Tensor:
        """Returns R at the present strengths; of them, only learned ones have a graph."""
        spreads = self._spreads()
        strengths = self._strengths(spreads)
        logarithms = torch.special.xlogy(self._counts(spreads) / 2, strengths)  # 0 for one task
        total: Tensor = (strengths * spreads - logarithms).sum()
        return total

    def prox(self, step: float) -> None:
        """Shrinks the differences from the mean, each layer with its strength."""
        pull_together(self.groups, [step * each for each in self.strengths().tolist()])

    @torch.no_grad()
    def strengths(self) -> Tensor:
        """Returns lambda of each layer, `[layers]`, for the parameters as they are."""
        return self._strengths(self._spreads())

    def watched(self) -> dict[str, Watched]:
        """Returns lambda of each layer as a table by its name."""
        return {
            "LearnedStrength: lambda": Watched(dict(zip(self.names, self.strengths(), strict=True)))
        }

    def _spreads(self) -> Tensor:
        return torch.stack([spread_of([layer]) for layer in self.groups])

    def _counts(self, like: Tensor) -> Tensor:
        return like.new_tensor([(len(layer) - 1) * layer[0].numel() for layer in self.groups])

    def _strengths(self, spreads: Tensor) -> Tensor:
        counts = self._counts(spreads)
        if self.log_strengths is None:
            return counts / (2 * spreads.detach() + self.eps)
        held = self.log_strengths.detach()
        return (held + (self.log_strengths - held) / counts.clamp(min=1)).exp()
