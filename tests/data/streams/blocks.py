"""Streams whose examples are known numbers."""

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import IterableDataset

from plait.data import InMemory, Piece, Stream


class Numbered(Stream):
    """Pieces of tables in memory: the inputs of row i are (i, -i), its label is i."""

    def __init__(self, *sizes: int, as_lists: bool = False) -> None:
        self.sizes = sizes
        self.read: list[int] = []  # pieces so far, by their number
        self.as_lists = as_lists

    @property
    def examples(self) -> int:
        return sum(self.sizes)

    def pieces(self, epoch: int, order: torch.Generator | None) -> Iterator[Piece]:
        count = len(self.sizes)
        places = torch.arange(count) if order is None else torch.randperm(count, generator=order)
        for place in places.tolist():
            yield Piece(self.sizes[place], lambda place=place: self.block(place))  # type: ignore[misc]

    def block(self, place: int) -> Any:
        self.read.append(place)
        start = sum(self.sizes[:place])
        numbers = torch.arange(start, start + self.sizes[place])
        table = InMemory(
            torch.stack([numbers, -numbers], 1).float(), {"y": numbers[:, None].float()}
        )
        return [table[row] for row in range(len(table))] if self.as_lists else table


class Counting(IterableDataset[Any]):
    """A stranger's stream of N examples, which knows its epoch."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[Any]:
        for number in range(self.size):
            yield torch.tensor([float(number), self.epoch]), {"y": torch.tensor([float(number)])}
