"""Labels for the words of a table's sentences."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class Tags:
    """A class for each word of a row: int64 `[L]`, -100 where there is none.

    Args:
        rows: the class numbers of each row; their lengths are those of the sentences.
    """

    def __init__(self, rows: Sequence[Sequence[int]]) -> None:
        lengths = torch.tensor([len(row) for row in rows])
        self._ends = [0, *lengths.cumsum(0).tolist()]
        self._classes = torch.tensor([each for row in rows for each in row], dtype=torch.int64)

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, row: int) -> Tensor:
        return self._classes[self._ends[row] : self._ends[row + 1]]

    @property
    def classes(self) -> Tensor:
        """The classes of all words of all rows, one after the other."""
        return self._classes
