"""The rows of a split of a table that is larger than memory, encoded while they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from plait.data.streams.pieces import Piece, Stream
from plait.data.streams.row_groups import RowGroups
from plait.data.streams.row_splits import RowSplits
from plait.data.streams.shuffle import joined
from plait.data.table.splits import SPLITS

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, Any]
Encode = Callable[["pd.DataFrame", str], Any]

SLICE_ROWS = 2**16  # that are read at once, at most
SLICE_BYTES = 2**26


def rows_at_once(source: RowGroups) -> int:
    """Returns the number of rows of a table that are read together: at most 65,536, and 64 MB."""
    return max(1, min(SLICE_ROWS, int(SLICE_BYTES / source.bytes_per_row)))


class TableStream(Stream):
    """The rows of one split of a table, in slices of its row groups.

    In an order that is drawn, the groups are permuted; the slices of a group follow each other.

    Args:
        source: the table.
        encode: makes a map-style data set of some rows: called with a frame, and the name of the
            file for messages.
        reads: the columns that it needs.
        rule: says which split a row is in.
        counts: for each group `[slices, 3]`, the rows of each split; see `count_splits`.
        split: "train", "val" or "test".
        rows: of a slice, as for `counts`.
        sample: some rows that stand for all of them, in memory; None if nobody needs them.
    """

    def __init__(
        self,
        source: RowGroups,
        encode: Encode,
        reads: Sequence[str],
        *,
        rule: RowSplits,
        counts: Sequence[Array],
        split: str,
        rows: int,
        sample: Any = None,
    ) -> None:
        self.sample = sample
        self.source = source
        self.split = split
        self._encode = encode
        self._reads = list(dict.fromkeys([*reads, *rule.reads]))
        self._rule = rule
        self._number = SPLITS.index(split)
        self._counts = [each[:, self._number].tolist() for each in counts]
        self._starts = np.cumsum([0, *source.sizes]).tolist()
        self._rows = rows

    @property
    def examples(self) -> int:
        """The number of rows of the split."""
        return int(sum(map(sum, self._counts)))

    def __len__(self) -> int:
        return self.examples

    def pieces(self, epoch: int, order: torch.Generator | None) -> Iterator[Piece]:
        """Yields the slices that have rows of the split; see `Stream`."""
        count = len(self._counts)
        groups = torch.arange(count) if order is None else torch.randperm(count, generator=order)
        for group in groups.tolist():
            slices = _Slices(self.source, group, self._reads, self._rows)
            for place, examples in enumerate(self._counts[group]):
                if examples:
                    yield Piece(examples, partial(self._read, slices, place))

    def held(self) -> Any:
        """Reads all rows of the split into memory: a map-style data set."""
        return joined([piece.read() for piece in self.pieces(0, None)])

    def _read(self, slices: _Slices, place: int) -> Any:
        frame = slices.read(place)
        start = self._starts[slices.group] + place * self._rows
        split = self._rule.of(frame, np.arange(start, start + len(frame)))
        rows = np.flatnonzero(split == self._number)
        return self._encode(frame.iloc[rows], self.source.place(slices.group))


class _Slices:
    """The slices of one group, read one after the other; those between are passed over."""

    def __init__(self, source: RowGroups, group: int, columns: Sequence[str], rows: int) -> None:
        self.group = group
        self._make = partial(source.frames, group, columns, rows)
        self._frames: Iterator[pd.DataFrame] | None = None
        self._place = 0

    def read(self, place: int) -> pd.DataFrame:
        """Returns a slice."""
        if self._frames is None or place < self._place:
            self._frames, self._place = self._make(), 0
        while True:
            frame = next(self._frames)
            self._place += 1
            if self._place > place:
                return frame
