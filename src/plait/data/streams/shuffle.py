"""The order of a stream: pieces are read into a buffer, and leave it shuffled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import ConcatDataset

from plait.core.seeding import derive_seed
from plait.data.in_memory import InMemory, Rows
from plait.data.streams.pieces import Piece, Stream

BUFFER = 2**18  # examples among which a stream is shuffled


def batches_of_epoch(
    stream: Stream,
    batch_size: int,
    *,
    shuffle: bool,
    epoch: int = 0,
    skip: int = 0,
    seed: int = 0,
    buffer: int = BUFFER,
) -> Iterator[Sequence[Any]]:
    """Yields the batches of an epoch, as sequences of examples; the last one may be smaller.

    Pieces come in an order drawn from (seed, epoch). They are gathered while they have at most
    `buffer` examples together; those of a full buffer leave it in an order drawn from (seed, epoch,
    number of the buffer), before it is filled again. Batches are cut from what leaves it, so that
    one may begin in one buffer and end in the next. The same arguments give the same batches.

    Args:
        stream: the data.
        batch_size: examples in a batch.
        shuffle: whether there is an order; else examples come as they are stored.
        epoch: its number, from 0.
        skip: batches that are left out; buffers that lie before them are not read.
        seed: of the orders.
        buffer: examples that are held at once, unless a single piece has more.
    """
    order = None
    if shuffle:
        order = torch.Generator().manual_seed(derive_seed(seed, "pieces", epoch))
    before, wanted = 0, skip * batch_size
    left: Sequence[Any] = []
    for number, pool in enumerate(_pools(stream.pieces(epoch, order), buffer)):
        size = sum(piece.examples for piece in pool)
        start, before = max(wanted - before, 0), before + size
        if start >= size:
            continue
        block, places = joined([piece.read() for piece in pool]), torch.arange(size)
        if shuffle:
            generator = torch.Generator().manual_seed(derive_seed(seed, "buffer", epoch, number))
            places = torch.randperm(size, generator=generator)
        places = places[start:]
        if len(left):  # the last batch of the buffer before
            lacking = batch_size - len(left)
            left, places = _both(left, _taken(block, places[:lacking])), places[lacking:]
            if len(left) == batch_size:
                yield left
                left = []
        whole = len(places) - len(places) % batch_size
        for first in range(0, whole, batch_size):
            yield _taken(block, places[first : first + batch_size])
        if whole < len(places):
            left = _taken(block, places[whole:])
    if len(left):
        yield left


def _pools(pieces: Iterable[Piece], buffer: int) -> Iterator[list[Piece]]:
    """Yields the pieces that are in the buffer together."""
    pool: list[Piece] = []
    held = 0
    for piece in pieces:
        if pool and held + piece.examples > buffer:
            yield pool
            pool, held = [], 0
        pool.append(piece)
        held += piece.examples
    if pool:
        yield pool


def joined(blocks: list[Any]) -> Any:
    """Makes one map-style data set of several; tables become one table."""
    if len(blocks) == 1:
        return blocks[0]
    if not all(type(block) is InMemory for block in blocks):
        return ConcatDataset(blocks)
    targets = {
        task: torch.cat([block.targets[task] for block in blocks]) for task in blocks[0].targets
    }
    return InMemory(torch.cat([block.inputs for block in blocks]), targets)


def _taken(block: Any, places: Tensor) -> Sequence[Any]:
    """Returns the examples in some places of a block."""
    if type(block) is InMemory:
        return block.__getitems__(places)  # type: ignore[arg-type] # a tensor is cut by at once
    return [block[place] for place in places.tolist()]


def _both(one: Sequence[Any], two: Sequence[Any]) -> Sequence[Any]:
    """Puts examples after others."""
    if isinstance(one, Rows) and isinstance(two, Rows):
        targets = {task: torch.cat([one.targets[task], two.targets[task]]) for task in one.targets}
        return Rows(torch.cat([one.inputs, two.inputs]), targets)
    return [*one, *two]
