"""Eval mode for a while, and trials that leave no trace."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Puts a module in eval mode, and each of its parts back into its own mode at the end.

    ``module.train()`` would wake up the parts that were in eval mode before, such as frozen batch
    normalisation.
    """
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


@contextmanager
def on_trial(module: nn.Module) -> Iterator[tuple[nn.Module, bool]]:
    """Yields a module in eval mode to try something on, and whether it is a copy.

    It is a deep copy; a module that cannot be copied is tried itself, and its buffers and modes are
    put back at the end. No gradient is kept and no random state changes.
    """
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
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
