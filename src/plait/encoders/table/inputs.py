"""The first layer of a network of a table: numbers, what is missing, vectors of categories."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from plait.encoders.table.categories import CategoryEmbedding, Codes
from plait.encoders.table.missing import Missing
from plait.encoders.table.numbers import Standardise
from plait.encoders.table.row import Row


class TableInputs(nn.Module):
    """Standardised numbers, what is missing and vectors of categories, one after the other.

    Args:
        row: the entries of a row.

    Attributes:
        outputs: how many numbers it gives.
    """

    def __init__(self, row: Row) -> None:
        super().__init__()
        self.row = row
        self.standardise = Standardise(row.numbers)
        self.missing = Missing(row.numbers)
        self.codes = Codes(row.categories)
        self.categories = CategoryEmbedding(row.categories)
        self.outputs = len(row.numbers) + self.missing.outputs + self.categories.outputs

    def numbers(self, rows: Tensor) -> Tensor:
        """Returns the standardised numbers `[B, N]` with what is missing `[B, M]`."""
        self.row.check(rows)
        numbers: Tensor = self.standardise(rows)
        if not self.missing.outputs:
            return numbers
        return torch.cat([numbers, self.missing(rows)], dim=1)

    def forward(self, rows: Tensor) -> Tensor:
        """Returns the inputs of the first layer."""
        numbers = self.numbers(rows)
        if not self.row.categories:
            return numbers
        return torch.cat([numbers, self.categories(self.codes(rows))], dim=1)
