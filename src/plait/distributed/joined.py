"""The group of the processes that a launcher has started."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
from torch import distributed

from plait.core.errors import LostProcessError, PlaitError
from plait.core.launched import check_timeout, leave, processes
from plait.distributed.ranks import Ranks, ranks


@contextmanager
def joined(timeout: float | None = None) -> Iterator[Ranks]:
    """Joins the group of the processes that torchrun has started with this one, and leaves it.

    Where the machine has a GPU for each of its processes, each takes that of its number, and what
    lies on it is added up by NCCL; all else by gloo. A group that is there already, and a process
    that was started alone, are left as they are.

    Args:
        timeout: seconds that a process waits for another before it takes it for lost, above 0;
            torch's 1,800 by default (600 for NCCL). An evaluation by rank 0, for which the others
            wait, has to be shorter.

    Yields:
        The ranks.

    Raises:
        ConfigError: `timeout` is not above 0 and finite.
        LostProcessError: the others have not come in time.
    """
    check_timeout(timeout)
    if processes() == 1 or distributed.is_initialized():
        yield ranks()
        return
    backend = backend_of(int(os.environ.get("LOCAL_WORLD_SIZE") or processes()))
    if "nccl" in backend:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK") or 0))
    within = None if timeout is None else timedelta(seconds=timeout)
    try:
        distributed.init_process_group(backend, timeout=within)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise LostProcessError(
            f"not all of the {processes()} processes have come together: {reason}"
        ) from error
    try:
        yield ranks()
    except Exception as error:  # said before the others notice that this process has gone
        told = (f"error: {error}", error.exit_code) if isinstance(error, PlaitError) else ("", 1)
        leave(*told)
        raise
    finally:
        distributed.destroy_process_group()


def backend_of(count: int) -> str:
    """Returns the backend of so many processes on this machine: NCCL where each has a GPU."""
    enough = torch.cuda.is_available() and torch.cuda.device_count() >= count
    return "cpu:gloo,cuda:nccl" if enough else "gloo"
