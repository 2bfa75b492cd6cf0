"""Parameters that stay near what was learned before."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from plait.regularization.algebra.joined import joined, write
from plait.regularization.base import ParameterRegularizer


class Successive(ParameterRegularizer):
    """Keeps the parameters near an anchor: what the tasks before, or pre-training, have taught.

        R = |theta - anchor|^2

    with theta the matched parameters of the model, shared or not. The anchor is the start of the
    model, or the trained weights that it took over, or what `anchor` was last called at: before the
    epoch of each task, for successive regularisation. The proximal step is
    ``theta <- anchor + (theta - anchor) / (1 + 2 eta lambda)``.

    Args:
        strength: lambda, at least 0 (delta of the paper). In mode "loss", gradient descent diverges
            unless ``learning rate x 2 lambda < 2``; mode "prox" is stable for any lambda.
        mode: "loss" or "prox".
        scope: a pattern of the names of the sharing's parameters; all by default.
        include_bias: whether biases (and all other vectors) are anchored.
        heads: whether the tasks' heads are anchored as well, under the name ``head.task.*``.

    Cost: O(P) arithmetic in each step, and the memory of the anchor.

    Reference: Hashimoto, Xiong, Tsuruoka, Socher, "A Joint Many-Task Model: Growing a Neural
        Network for Multiple NLP Tasks", EMNLP 2017; of pre-trained weights: Li, Grandvalet,
        Davoine, "Explicit Inductive Bias for Transfer Learning with Convolutional Networks", ICML
        2018 (L2-SP).
    """

    ties = False
    held: Tensor  # the anchor, [1, P]

    def setup(
        self, networks: Mapping[str, nn.Module], heads: Mapping[str, nn.Module] | None = None
    ) -> None:
        """Matches the parameters and takes the anchor."""
        super().setup(networks, heads)
        self.register_buffer("held", joined(self.groups).detach().clone())

    @torch.no_grad()
    def anchor(self) -> None:
        """Takes the anchor anew from the parameters as they are."""
        self.held.copy_(joined(self.groups))

    def cost(self) -> Tensor:
        """Returns the squared distance from the anchor."""
        return (joined(self.groups) - self.held).square().sum()

    def prox(self, step: float) -> None:
        """Shrinks the distance from the anchor."""
        rows = joined(self.groups).detach()
        write(self.groups, self.held + (rows - self.held) / (1 + 2 * step))
