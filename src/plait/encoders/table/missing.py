"""Whether a number of a table is missing, as an input."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from plait.encoders.table.row import Number


class Missing(nn.Module):
    """One input for each number that was missing in some training rows: 1 where it is, else 0.

    A number that was never missing, or always, has none: its weights would learn nothing, and would
    act for the first time on new rows.

    Args:
        numbers: of the row.

    Attributes:
        outputs: M, how many numbers have such an input.

    Shapes: rows `[B, F]` to `[B, M]`.
    """

    entries: Tensor
    like: Tensor

    def __init__(self, numbers: Sequence[Number]) -> None:
        super().__init__()
        entries = [n.entry for n in numbers if 0 < n.missing < 1]
        self.outputs = len(entries)
        self.register_buffer("entries", torch.tensor(entries, dtype=torch.long), persistent=False)
        self.register_buffer("like", torch.zeros(()), persistent=False)  # has the model's dtype

    def forward(self, rows: Tensor) -> Tensor:
        """Returns the indicators."""
        return rows.index_select(1, self.entries).isnan().to(self.like.dtype)
