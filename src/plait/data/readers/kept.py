"""Decoded pictures of one size, kept in memory and shared by all processes."""

from __future__ import annotations

import math
import mmap
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor


class Kept:
    """Keeps what a function has made for some rows.

    Which rows are kept is known from the start, and none is thrown out for another: where each
    epoch asks for all rows, a part that stays serves more requests than one that changes. Worker
    processes that are forked write into the same memory and read from it; spawned ones have none,
    and make everything anew.

    Args:
        rows: those that are kept.
        shape: of what is kept for a row, uint8; its memory is taken when it is first written to.
    """

    def __init__(self, rows: Iterable[int], shape: tuple[int, ...]) -> None:
        self.shape = shape
        self._size = max(1, math.prod(shape))
        self._slots = {int(row): slot for slot, row in enumerate(rows)}
        self._allocate()

    def _allocate(self) -> None:
        # Anonymous memory, which forked workers share and no limit of /dev/shm is about
        self._values = _shared(max(1, len(self._slots) * self._size))
        self._there = _shared(max(1, len(self._slots)))

    def __getstate__(self) -> dict[str, Any]:
        # Memory cannot cross to a spawned process, where nothing is kept
        return {"shape": self.shape, "_size": self._size, "_slots": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._allocate()

    def get(self, row: int, make: Callable[[], Tensor]) -> Tensor:
        """Returns the value of a row, which `make` makes unless it was kept; then keeps it."""
        slot = self._slots.get(row)
        if slot is None:
            return make()
        place = self._values[slot * self._size : (slot + 1) * self._size].view(self.shape)
        if not self._there[slot]:
            place.copy_(make())
            self._there[slot] = 1  # last: whoever reads it in another process finds the whole
        return place


def _shared(size: int) -> Tensor:
    return torch.frombuffer(mmap.mmap(-1, size), dtype=torch.uint8)
