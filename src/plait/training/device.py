"""The device and the precision of a training."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from plait.core.errors import ConfigError
from plait.training.options import Precision


def pick_device(device: str) -> torch.device:
    """Returns the named device; "auto" is the accelerator that torch finds, else the CPU.

    Raises:
        ConfigError: torch does not know the name, or has no such device here.
    """
    if device == "auto":
        found = (
            torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        )
        return found or torch.device("cpu")
    try:
        chosen = torch.device(device)
        torch.empty(1, device=chosen)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f"`device` {device!r} cannot be used: {reason}. Try 'auto' or 'cpu'."
        ) from None
    return chosen


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """Returns the context of a forward pass: bfloat16 where it is safe for "bf16", else none.

    Full precision switches off an autocast that is on around it.
    """
    if precision not in ("fp32", "bf16"):
        raise ConfigError(f"`precision` must be 'fp32' or 'bf16'; found {precision!r}.")
    if precision == "fp32" and not torch.is_autocast_enabled(device.type):
        return nullcontext()  # entering one that does nothing takes as long as a small layer
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")
