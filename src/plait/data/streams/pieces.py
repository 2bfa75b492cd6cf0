"""Data that are read piece by piece."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar

import torch
from torch.utils.data import IterableDataset

Example = tuple[Any, dict[str, Any]]


@dataclass(frozen=True)
class Piece:
    """Some examples of a stream, which are read together.

    Attributes:
        examples: their number, known before they are read.
        read: reads them: a map-style data set, such as a list or `InMemory`.
    """

    examples: int
    read: Callable[[], Sequence[Example]]


class Stream(IterableDataset[Example], ABC):
    """A data set that is read piece by piece, in an order that may differ by epoch.

    `plait.data.loader` makes batches of it; iterated alone it gives the examples of one epoch after
    another in the order in which they are stored.

    Attributes:
        seeks: whether a piece may be passed over without being read; else all are read in turn.
        sample: a map-style data set of some examples that stand for all; None if there is none.
    """

    seeks: ClassVar[bool] = True
    sample: Any = None

    @property
    def examples(self) -> int | None:
        """The number of examples in an epoch; None if nobody knows."""
        return None

    @abstractmethod
    def pieces(self, epoch: int, order: torch.Generator | None) -> Iterator[Piece]:
        """Yields the pieces of an epoch.

        Args:
            epoch: its number, from 0.
            order: what their order is drawn from, if it can be; None for the order in which they
                are stored.
        """

    def __iter__(self) -> Iterator[Example]:
        for piece in self.pieces(0, None):
            block = piece.read()
            for place in range(len(block)):
                yield block[place]


class OneByOne(Stream):
    """Any iterable data set of torch: examples come one after the other, as many as there are.

    If it has `set_epoch`, as streams of Hugging Face `datasets` do, it is told the epoch.

    Args:
        dataset: yields ``(inputs, {task: label})``, anew each time that it is iterated.
    """

    seeks = False
    together: ClassVar[int] = 256  # examples of a piece

    def __init__(self, dataset: IterableDataset[Any]) -> None:
        self.dataset = dataset

    def pieces(self, epoch: int, order: torch.Generator | None) -> Iterator[Piece]:
        """Yields lists of examples, each read before it is yielded."""
        tell: Any = getattr(self.dataset, "set_epoch", None)
        if tell is not None:
            tell(epoch)
        examples = iter(self.dataset)
        while block := list(islice(examples, self.together)):
            yield Piece(len(block), lambda block=block: block)  # type: ignore[misc]
