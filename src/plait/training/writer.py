"""Checkpoints on their way to the disk: at once, or behind the training."""

from __future__ import annotations

from collections.abc import Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from plait.core.structure import map_tensors
from plait.training.checkpoint import write_checkpoint

MOST = 2  # checkpoints that may wait, each with a copy of its state


class Writer:
    """Writes checkpoints one after the other, at once or while training goes on.

    Behind the training a thread writes a copy of the state, which lies on the host, in the order in
    which checkpoints are given. After one that has failed none is written, so that no checkpoint
    speaks of another that is not there.

    Args:
        behind: whether `write` returns before the file is there.

    Cost: behind the training two copies of the state at most; a third one waits for the first.
    """

    def __init__(self, *, behind: bool = False) -> None:
        self.behind = behind
        self._threads: ThreadPoolExecutor | None = None
        self._waiting: list[Future[None]] = []
        self._error: Exception | None = None

    @property
    def failed(self) -> bool:
        """Whether a checkpoint could not be written, and nobody has heard of it yet."""
        return self._error is not None

    def write(self, path: Path, state: dict[str, Any]) -> None:
        """Writes a checkpoint, or hands it over.

        Raises:
            CheckpointError: it cannot be written, or an earlier one could not.
        """
        if not self.behind:
            write_checkpoint(path, state)
            return
        self._settle(MOST - 1)
        if self._threads is None:
            self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoints")
        self._waiting.append(self._threads.submit(self._write, path, host_copy(state)))

    def wait(self) -> None:
        """Returns when all that was handed over is on the disk.

        Raises:
            CheckpointError: one of them could not be written.
        """
        self._settle(0)

    def _settle(self, left: int) -> None:
        while len(self._waiting) > left or (self._waiting and self.failed):
            self._waiting.pop(0).result()
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _write(self, path: Path, state: dict[str, Any]) -> None:
        if self._error is None:
            try:
                write_checkpoint(path, state)
            except Exception as error:  # of whatever kind: the training has to hear of it
                self._error = error


def host_copy(state: Any) -> Any:
    """Returns a state with copies of its tensors, on the host; one for all names of a tensor.

    Args:
        state: tensors, numbers, strings and containers of them.
    """
    copies: dict[Hashable, Tensor] = {}

    def copied(tensor: Tensor) -> Tensor:
        place: Hashable = id(tensor)
        if tensor.layout == torch.strided:
            # tied parameters are other objects in a `state_dict`, with the same memory
            place = tensor.device, tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride()
        if place not in copies:
            copies[place] = tensor.detach().to("cpu", copy=True)
        return copies[place]

    return map_tensors(copied, state)
