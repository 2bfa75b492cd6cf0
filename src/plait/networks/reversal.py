"""Gradient reversal: the layers behind it learn one thing, those before it the opposite."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError
from plait.networks.scheduled import Scheduled

Reversal = float | Literal["ganin"]


class _Reverse(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(hidden: Tensor, factor: Tensor) -> Tensor:
        return hidden.view_as(hidden)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[1])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (factor,) = ctx.saved_tensors
        return -factor.to(gradients[0].dtype) * gradients[0], None


class GradientReversal(nn.Module, Scheduled):
    """Hands its input on, and minus a factor times the gradient back.

        factor(p) = 2 / (1 + exp(-10 p)) - 1,    p the share of the training that is done

    Args:
        factor: a constant of at least 0, or "ganin" for the above, which rises from 0 to 1 so that
            what follows can learn something before it is opposed.

    Raises:
        ConfigError: another factor.

    Reference: Ganin, Ustinova, Ajakan, Germain, Larochelle, Laviolette, Marchand, Lempitsky,
        "Domain-Adversarial Training of Neural Networks", JMLR 17, 2016.
    """

    progress: Tensor

    def __init__(self, factor: Reversal = "ganin") -> None:
        super().__init__()
        if isinstance(factor, str):
            if factor != "ganin":
                raise ConfigError(f"`reversal` must be 'ganin' or a number; found {factor!r}.")
        elif not factor >= 0:
            raise ConfigError(f"`reversal` must be at least 0; found {factor}.")
        self.constant = None if isinstance(factor, str) else float(factor)
        self.register_buffer("progress", torch.zeros(()))

    def set_progress(self, progress: float) -> None:
        """Stores `progress`, the share of the training that is done, in [0, 1]."""
        self.progress.fill_(progress)

    def factor(self) -> Tensor:
        """Returns the factor of now, a scalar."""
        if self.constant is not None:
            return torch.full_like(self.progress, self.constant)
        return torch.tanh(5 * self.progress)  # the formula, written shorter

    def forward(self, hidden: Tensor) -> Tensor:
        """Returns the input."""
        out: Tensor = _Reverse.apply(hidden, self.factor())  # type: ignore[no-untyped-call]
        return out
