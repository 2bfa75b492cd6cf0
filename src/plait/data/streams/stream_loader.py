"""A loader of streams from which a run can resume anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader, IterableDataset

from plait.core.batch import Batch
from plait.core.errors import ConfigError
from plait.core.seeding import derive_seed
from plait.data.streams.pieces import OneByOne, Stream
from plait.data.streams.shuffle import BUFFER, batches_of_epoch
from plait.distributed import ALONE, Ranks


class StreamLoader(DataLoader[Any]):
    """Makes the batches of a stream, in an order that is a function of (seed, epoch).

    `plait.data.loader` makes one of any iterable data set. It is `plait.data.resumable.Resumable`.

    Args:
        dataset: a `Stream`, or any iterable data set, which is read from its beginning where a run
            is resumed.
        batch_size: examples in a batch, at least 1; the last one may be smaller.
        shuffle: whether the examples of a buffer are shuffled, and the pieces of a `Stream` come in
            an order of the epoch's own.
        seed: of the orders.
        workers: 1 reads ahead in a process of its own, in the same order; 0 reads in this one.
        drop_last: whether a last batch with fewer examples is left out.
        collation: makes a batch of examples.
        buffer: examples that are held at once, for shuffling.

    Raises:
        ConfigError: `batch_size` or `buffer` is below 1, or there is more than one worker.
    """

    seeds_itself = True

    def __init__(
        self,
        dataset: IterableDataset[Any],
        *,
        batch_size: int,
        shuffle: bool,
        seed: int,
        workers: int,
        drop_last: bool,
        collation: Callable[[Sequence[Any]], Any],
        buffer: int = BUFFER,
    ) -> None:
        for name, value in (("batch_size", batch_size), ("buffer", buffer)):
            if value < 1:
                raise ConfigError(f"`{name}` must be at least 1; found {value}.")
        if workers > 1:
            raise ConfigError(
                f"`workers` must be 0 or 1 for {type(dataset).__name__}: a stream is read in one "
                f"order, by one process; found {workers}."
            )
        stream = dataset if isinstance(dataset, Stream) else OneByOne(dataset)
        options = {"shuffle": shuffle, "seed": seed, "buffer": buffer}
        batches = _Batches(stream, batch_size, collation, options, drop_last=drop_last)
        super().__init__(
            batches,
            batch_size=None,  # examples are put together before
            num_workers=workers,
            collate_fn=_unchanged,
            generator=torch.Generator().manual_seed(derive_seed(seed, "workers")),
        )
        self._batches = batches
        self.stream = stream
        self.seeks = stream.seeks

    @property
    def ranks(self) -> Ranks:
        """The processes that read it together: each reads all, and has a part of every batch."""
        return self._batches.ranks

    @ranks.setter
    def ranks(self, ranks: Ranks) -> None:
        self._batches.ranks = ranks

    def start_at(self, epoch: int, skip: int) -> None:
        """Says at which batch of which epoch the next pass begins; see `Resumable`."""
        self._batches.epoch, self._batches.skip = epoch, skip

    def __len__(self) -> int:
        examples, size = self.stream.examples, self._batches.batch_size
        if examples is None:
            raise TypeError(f"{type(self.stream).__name__} is a stream of unknown length")
        return examples // size if self._batches.drop_last else -(-examples // size)


class _Batches(IterableDataset[Any]):
    """The batches of a stream from a place in an epoch on."""

    def __init__(
        self,
        stream: Stream,
        batch_size: int,
        collation: Callable[[Sequence[Any]], Any],
        options: dict[str, Any],
        *,
        drop_last: bool,
    ) -> None:
        self.stream = stream
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.collation = collation
        self.options = options
        self.epoch = 0
        self.skip = 0
        self.ranks: Ranks = ALONE

    def __iter__(self) -> Iterator[Any]:
        found = batches_of_epoch(
            self.stream, self.batch_size, epoch=self.epoch, skip=self.skip, **self.options
        )
        for examples in found:
            if len(examples) == self.batch_size or not self.drop_last:
                own = self.ranks.part(examples)
                yield self.collation(own) if len(own) else Batch(())


def _unchanged(batch: Any) -> Any:
    return batch
