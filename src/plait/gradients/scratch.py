"""Memory for what is written anew in each step."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class Scratch:
    """Keeps memory across steps, since new memory costs a page fault for each 4 KiB."""

    def __init__(self) -> None:
        self._memory: Tensor | None = None

    def take(
        self, rows: int, columns: int, dtype: torch.dtype, device: torch.device | None
    ) -> Tensor:
        """Returns a matrix `[rows, columns]` whose entries are not set; the next call reuses it."""
        old, size = self._memory, rows * columns
        if old is None or old.numel() < size or old.dtype != dtype or old.device != device:
            old = self._memory = torch.empty(size, dtype=dtype, device=device)
        return old[:size].view(rows, columns)

    def __deepcopy__(self, memo: dict[int, Any]) -> Scratch:
        """A copy starts with no memory."""
        return Scratch()
