"""The most memory that tensors have at once, by torch's own allocators."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.profiler import profile

ALLOCATION = "[memory]"  # the events of allocations and releases, as torch names them


def peak_bytes(device: torch.device, run: Callable[[], object]) -> int:
    """Runs a function and returns the most bytes of tensors that it had beyond those before it.

    On a CUDA device the caching allocator counts them, on a CPU torch's profiler does, from each
    allocation and release; what the data loader, Python and libraries hold is not among them. What
    the function releases that was there before is counted as less, so let go of it first.

    Args:
        device: on which it computes.
        run: takes no arguments.

    Example:
        >>> found = peak_bytes(torch.device("cpu"), lambda: torch.zeros(1000).add(1).sum())
        >>> 8000 <= found < 8100  # two rows of 1,000 numbers, and the sum of each thread
        True
    """
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        run()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before
    seen: Any = profile(profile_memory=True, use_kineto=False)
    with _silent():
        seen.__enter__()
    try:
        run()
    finally:
        with _silent():
            seen.__exit__(None, None, None)
    events: list[Any] = seen.kineto_results.events() if seen.kineto_results is not None else []
    changes = sorted((e.start_ns(), e.nbytes()) for e in events if e.name() == ALLOCATION)
    return max(accumulate(change for _, change in changes), default=0)


@contextmanager
def _silent() -> Iterator[None]:
    """Keeps what C++ code writes to stderr from it: torch's profiler says that it starts and ends.

    Its level of logging is read when torch is imported, which is too early to ask for less.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


def bytes_of(tensors: Iterable[Tensor]) -> int:
    """Returns the bytes of tensors, those of one memory once."""
    storages = {each.untyped_storage().data_ptr(): each.untyped_storage() for each in tensors}
    return sum(storage.nbytes() for storage in storages.values())


def bytes_of_module(module: nn.Module) -> int:
    """Returns the bytes of parameters and buffers."""
    return bytes_of([*module.parameters(), *module.buffers()])
