"""Soft samples of a choice, and the temperature at which they are drawn."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError
from plait.networks.scheduled import Scheduled

ROUNDING = 1e-6  # of a progress in float32


def gumbel_softmax(logits: Tensor, temperature: Tensor | float) -> Tensor:
    """Returns a sample of shares near one choice, drawn by the global generator.

        softmax((logits + g) / temperature),    g = -log(e), e of the unit exponential law

    over the last axis; at a low temperature it is nearly one-hot, and each choice is taken with
    the probability softmax(logits).

    Reference: Jang, Gu, Poole, "Categorical Reparameterization with Gumbel-Softmax", ICLR 2017;
        Maddison, Mnih, Teh, "The Concrete Distribution: A Continuous Relaxation of Discrete Random
        Variables", ICLR 2017.
    """
    noise = -torch.empty_like(logits).exponential_().log()
    return ((logits + noise) / temperature).softmax(dim=-1)


class Search(nn.Module, Scheduled):
    """Tracks a search over discrete choices: first a warm-up, then a falling temperature.

    Args:
        warmup: share of the training before the search begins, 0 <= warmup < 1.
        temperature: with which the search begins, above 0.
        final_temperature: with which the training ends, above 0.

    Raises:
        ConfigError: a value outside its range.
    """

    progress: Tensor

    def __init__(self, warmup: float, temperature: float, final_temperature: float) -> None:
        super().__init__()
        if not 0 <= warmup < 1:
            raise ConfigError(
                f"`warmup` must be a share of the training, 0 <= warmup < 1; found {warmup!r}."
            )
        for name, value in (
            ("temperature", temperature),
            ("final_temperature", final_temperature),
        ):
            if not value > 0:
                raise ConfigError(f"`{name}` must be above 0; found {value!r}.")
        self.warmup = warmup
        self.temperatures = (temperature, final_temperature)
        self.register_buffer("progress", torch.zeros(()))

    def set_progress(self, progress: float) -> None:
        """Moves on."""
        self.progress.fill_(progress)

    @property
    def begun(self) -> Tensor:
        """Whether the warm-up is over, as a boolean scalar on the device."""
        return self.progress >= self.warmup - ROUNDING

    def past(self, shares: Sequence[float]) -> list[bool]:
        """Returns a bool for each share: True if the training is past it; copies to the host."""
        progress = float(self.progress) + ROUNDING
        return [progress >= share for share in shares]

    def share(self) -> Tensor:
        """Returns the share of the search that is done, in [0, 1], as a scalar on the device."""
        return ((self.progress - self.warmup) / (1 - self.warmup)).clamp(0, 1)
