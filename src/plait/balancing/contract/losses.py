"""Losses for methods that read gradients and losses."""

from __future__ import annotations

import torch
from torch import Tensor

from plait.balancing.contract.info import Info
from plait.core.errors import ConfigError


def losses_of(info: Info | None, method: str) -> Tensor:
    """Returns the losses `[T]` of the tasks present, in float64 on the host.

    Raises:
        ConfigError: `info` has no losses.
    """
    if info is None or info.losses is None:
        raise ConfigError(
            f"{method} reads the losses as well. Give them by hand with "
            "`info=Info(tasks, losses=...)`."
        )
    return info.losses.detach().cpu().to(torch.float64)


def refuse_negative(losses: Tensor, info: Info, method: str, *, zero: bool = True) -> None:
    """Raises `ConfigError` for a loss that is negative or, if not `zero`, is 0."""
    for position, loss in enumerate(losses.tolist()):
        if loss < 0 or (loss == 0 and not zero):
            task = info.tasks[position] if info.tasks else str(position)
            raise ConfigError(
                f"{method} needs {'losses of at least 0' if zero else 'positive losses'}; found "
                f"{loss:g} for task {task!r}. Use a loss with this lower bound, or another method."
            )
