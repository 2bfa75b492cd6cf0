"""Gradients are balanced in their own precision, also where a caller computes in a lower one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import cache, wraps
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
R = TypeVar("R")


def full_precision(method: Callable[P, R]) -> Callable[P, R]:
    """Makes a function run with autocast off.

    Where it is on around a whole training step, as in Lightning, it would round gradients to 8 bits
    before they are compared and combined. Of tasks that oppose each other little else remains.
    """

    @wraps(method)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with ExitStack() as off:
            for device in _devices():
                if torch.is_autocast_enabled(device):
                    off.enter_context(torch.autocast(device, enabled=False))
            return method(*args, **kwargs)

    return run


@cache
def _devices() -> tuple[str, ...]:
    """Returns the kinds of devices of this machine."""
    found = torch.accelerator.current_accelerator()
    return ("cpu",) if found is None else ("cpu", found.type)
