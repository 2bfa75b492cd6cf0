"""Copies of an encoder: with the same start, or initialised anew."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Literal

from torch import nn

from plait.core.errors import ConfigError
from plait.core.seeding import seeded

Copies = Literal["clone", "reset"]
EncoderLike = nn.Module | Callable[[], nn.Module]


def instance(encoder: EncoderLike) -> nn.Module:
    """Returns the encoder itself, or a new one if it is a factory."""
    return encoder if isinstance(encoder, nn.Module) else encoder()


def copy_of(encoder: EncoderLike, copies: Copies, *seed: int | str) -> nn.Module:
    """Returns a new copy of an encoder.

    Args:
        encoder: an instance or a zero-argument factory.
        copies: "clone" keeps the weights (one common start; needed where parameters are tied
            element by element, and for pre-trained encoders); "reset" draws new ones under `seed`.
        seed: what the new weights depend on.

    Raises:
        ConfigError: "reset" of an instance in which a module that owns parameters has no
            `reset_parameters`; give a factory instead.
    """
    if copies not in ("clone", "reset"):
        raise ConfigError(f"`copies` must be 'clone' or 'reset'; found {copies!r}.")
    if copies == "clone":
        if isinstance(encoder, nn.Module):
            return copy.deepcopy(encoder)
        with seeded(seed[0] if seed else 0, "encoder"):
            return encoder()
    with seeded(*seed):
        if not isinstance(encoder, nn.Module):
            return encoder()
        fresh = copy.deepcopy(encoder)
        # children first: a parent may give its children another start than their own
        for name, module in reversed(list(fresh.named_modules())):
            _reset(name, module)
        return fresh


def _reset(name: str, module: nn.Module) -> None:
    """Re-initialises one module's parameters and statistics by the method of torch's modules."""
    for method in ("reset_parameters", "_reset_parameters"):
        if callable(getattr(module, method, None)):
            getattr(module, method)()
            return
    if any(True for _ in module.parameters(recurse=False)):
        raise ConfigError(
            f"cannot re-initialise {name or 'the encoder'} ({type(module).__name__}): it owns "
            "parameters but has no `reset_parameters`. Give a factory, `lambda: MyEncoder(...)`, "
            "in place of the instance."
        )
