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

    Each takes the device of its number on its machine, and the collectives are those of NCCL there
    and of gloo on the CPU. A group that is there already, and a process that was started alone,
    are left as they are.

    Yields:
        The ranks.
    """
    if processes() == 1 or distributed.is_initialized():
        yield ranks()
        return
    backend = "gloo"
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK") or 0))
        backend = "cpu:gloo,cuda:nccl"
    distributed.init_process_group(backend)
    try:
        yield ranks()
    finally:
        distributed.destroy_process_group()
