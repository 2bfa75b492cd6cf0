"""The group of the processes that a launcher has started."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import distributed

from plait.core.launched import processes
from plait.distributed.ranks import Ranks, ranks


@contextmanager
def joined() -> Iterator[Ranks]:
    """Joins the group of the processes that torchrun has started with this one, and leaves it.

    Where the machine has a GPU for each of its processes, each takes that of its number, and what
    lies on it is added up by NCCL; all else by gloo. A group that is there already, and a process
    that was started alone, are left as they are.

    Yields:
        The ranks.
    """
    if processes() == 1 or distributed.is_initialized():
        yield ranks()
        return
    backend = backend_of(int(os.environ.get("LOCAL_WORLD_SIZE") or processes()))
    if "nccl" in backend:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK") or 0))
    distributed.init_process_group(backend)
    try:
        yield ranks()
    finally:
        distributed.destroy_process_group()


def backend_of(count: int) -> str:
    """Returns the backend of so many processes on this machine: NCCL where each has a GPU."""
    enough = torch.cuda.is_available() and torch.cuda.device_count() >= count
    return "cpu:gloo,cuda:nccl" if enough else "gloo"
