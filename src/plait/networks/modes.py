"""A mode for a while, and trials that leave no trace."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import nn

from plait.core.random_state import random_state_kept
from plait.networks.examples import device_of


def evaluating(module: nn.Module) -> AbstractContextManager[None]:
    """Puts a module in eval mode for a while; see `in_mode`."""
    return in_mode(module, training=False)


@contextmanager
def in_mode(module: nn.Module, *, training: bool) -> Iterator[None]:
    """Puts a module in a mode, and each of its parts back into its own at the end.

    ``module.train()`` would wake up the parts that were in eval mode before, such as frozen batch
    normalisation.

    Args:
        module: with all its parts.
        training: whether the mode is that of training, or that of evaluation.
    """
    modes = [(part, part.training) for part in module.modules()]
    module.train(training)
    try:
        yield
    finally:
        for part, before in modes:
            part.training = before


@contextmanager
def on_trial(module: nn.Module) -> Iterator[tuple[nn.Module, bool]]:
    """Yields a module in eval mode to try something on, and whether it is a copy.

    It is a deep copy; a module that cannot be copied is tried itself, and its buffers and modes are
    put back at the end. No gradient is kept and no random state changes, neither torch's nor
    NumPy's nor Python's.
    """
    with torch.no_grad(), random_state_kept(device_of(module)):
        try:
            clone = copy.deepcopy(module).eval()
        except Exception:  # it keeps an output, a lock, ...; what needs a copy says so
            clone = None
        if clone is not None:
            yield clone, True
            return
        buffers = [(buffer, buffer.clone()) for buffer in module.buffers()]
        with evaluating(module):
            try:
                yield module, False
            finally:
                for buffer, value in buffers:
                    buffer.copy_(value)
