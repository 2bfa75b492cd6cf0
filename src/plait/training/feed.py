"""The batches of an epoch, from any loader, from any position."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from copy import copy
from itertools import islice
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset

from plait.core.errors import DataError
from plait.data import EpochBatches, InMemory, collate
from plait.data.collate import Collation
from plait.data.resumable import Resumable
from plait.data.streams import StreamLoader
from plait.training.randomness import Stream


class Feed:
    """Yields the batches of epoch e, the same ones whenever it is asked.

    Everything that a loader draws (the order, random transforms, the seeds of its workers) comes
    from a stream seeded by (seed, epoch). A generator of the loader's own, or of its sampler or
    data set (`generator`), is seeded from its first seed likewise; outside it stays as it was.

    To resume inside an epoch, the batches already used are drawn again and dropped. A loader made
    by `plait.data.loader` without workers skips them without reading: each of its batches has a
    stream of its own; so does a loader of one's own that is `plait.data.Resumable` and seeks.
    Workers that live for several epochs (`persistent_workers`) keep their own generators, which
    nobody can set back; what their transforms draw is not repeated.

    Args:
        loader: any iterable of batches that can be iterated once per epoch.
        seed: of the stream.

    Attributes:
        streams: whether the loader has no length, or can be gone through only once.
    """

    def __init__(self, loader: Any, seed: int) -> None:
        self.loader = loader
        self.seed = seed
        batch_sampler: Any = getattr(loader, "batch_sampler", None)
        self._ordered = batch_sampler if isinstance(batch_sampler, EpochBatches) else None
        self._resumable = loader if isinstance(loader, Resumable) else None
        self._seeks = (
            self._ordered is not None and isinstance(loader, DataLoader) and loader.num_workers == 0
        ) or (self._resumable is not None and self._resumable.seeks)
        self._draws_nothing = self._seeks and (_is_table(loader) or type(loader) is StreamLoader)
        self._generators = _generators(loader)
        self.streams = isinstance(loader, Iterator) or batches_in(loader) is None
        self._begun: Iterator[Any] | None = None  # the first epoch of a stream, once it is read

    @property
    def dataset(self) -> Any:
        """The data set whose examples an epoch has once each and as they are; None if unknown."""
        return self.loader.dataset if self._ordered is not None and _joins(self.loader) else None

    def epoch(self, epoch: int, skip: int = 0) -> Iterator[Any]:
        """Yields the batches of an epoch, without the first `skip`, as the loader makes them.

        Args:
            epoch: its number, from 0.
            skip: batches that were used before.

        Raises:
            DataError: the loader is empty, or shorter than what is to be skipped.
        """
        if self._begun is not None:
            begun, self._begun = self._begun, None
            yield from begun
            return
        stream = self._stream(epoch)
        with stream.inside():
            batches = self._iterator(epoch, skip)
        count = skip
        while True:
            if self._draws_nothing:
                batch = next(batches, None)
            else:
                if self._seeks:
                    stream = self._stream(epoch, count)
                with stream.inside():
                    batch = next(batches, None)
            if batch is None:
                break
            count += 1
            yield batch
        if count == 0:
            again = "" if epoch == 0 else f" in epoch {epoch + 1}. It has to start anew each time"
            raise DataError(
                f"the training loader gives no batch{again}. Is the training split empty?"
            )

    def ahead(self, most: int) -> Iterator[Any]:
        """Yields the batches of the first epoch before its time; what it draws stays what it is.

        Those of a stream are kept until they are trained on, since it may not start anew.

        Args:
            most: of a stream, the batches after which to stop.

        Raises:
            DataError: the loader is empty.
        """
        if self.streams:
            begun = self.epoch(0)
            kept = deque(islice(begun, most))
            self._begun = _drained(kept, begun)
            return iter(tuple(kept))
        reading = copy(self)
        if isinstance(self.loader, DataLoader):
            # workers that live on would hand what they have drawn to the training
            reading.loader = copy(self.loader)
            reading.loader._iterator = None
        return reading.epoch(0)

    def _stream(self, *position: int) -> Stream:
        return Stream(self.seed, "data", *position, generators=self._generators)

    def _iterator(self, epoch: int, skip: int) -> Iterator[Any]:
        sampler: Any = self._ordered or getattr(self.loader, "sampler", None)
        if hasattr(sampler, "set_epoch"):
            sampler.set_epoch(epoch)
        if self._resumable is not None:
            used = skip if self._seeks else 0
            self._resumable.start_at(epoch, used)
            batches: Iterator[Any] = iter(self.loader)
            used = min(used, batches_in(self.loader) or used)
            used += sum(1 for _ in islice(batches, 0 if self._seeks else skip))
        elif self._seeks and self._ordered is not None:
            self._ordered.set_epoch(epoch, skip)
            used = min(skip, len(self._ordered))
            batches = iter(self.loader)
        else:
            batches = iter(self.loader)
            used = sum(1 for _ in islice(batches, skip))
        if used < skip:
            raise DataError(
                f"the loader gives {used} batches, but the checkpoint was made after {skip}. "
                "Resume with the data and the batch size of the first run."
            )
        return batches


def _drained(kept: deque[Any], rest: Iterator[Any]) -> Iterator[Any]:
    """Yields what was kept, without holding it any longer, and then the rest."""
    while kept:
        yield kept.popleft()
    yield from rest


def batches_in(loader: Any) -> int | None:
    """Returns the number of batches in an epoch; None if the loader cannot tell, as a stream."""
    try:
        return len(loader)
    except (TypeError, NotImplementedError):  # a DataLoader of a stream has `__len__` all the same
        return None


def check_loader(loader: Any, epochs: int, which: str) -> None:
    """Checks that a loader gives batches, in each epoch anew.

    Args:
        loader: the batches.
        epochs: how often they will be gone through.
        which: the noun for the message, such as "training".

    Raises:
        DataError: it is nothing that can be iterated, a data set of single examples, or an
            iterator, such as a generator, that has to serve several epochs.
    """
    single = isinstance(loader, Dataset) and not isinstance(loader, IterableDataset)
    if single or not (hasattr(loader, "__iter__") or hasattr(loader, "__getitem__")):
        raise DataError(
            f"the {which} data must be a loader of batches; found {type(loader).__name__}. Wrap a "
            "data set: `plait.data.loader(dataset, batch_size=32, shuffle=True)`."
        )
    if epochs > 1 and isinstance(loader, Iterator):
        raise DataError(
            f"the {which} data are a {type(loader).__name__}, which can be gone through once, and "
            f"there are {epochs} epochs. Give a loader, a list, or an object whose `__iter__` "
            "starts anew."
        )


def _is_table(loader: DataLoader[Any]) -> bool:
    """Returns whether batches are cut from tensors in memory, by nothing that could draw."""
    return _joins(loader) and type(loader.dataset) is InMemory


def _joins(loader: Any) -> bool:
    """Returns whether examples become a batch by nothing but being joined."""
    collation = getattr(loader, "collate_fn", None)
    return collation is collate or type(collation) is Collation


def _generators(loader: Any) -> list[torch.Generator]:
    """Returns the generators that a loader and its parts own."""
    batch_sampler: Any = getattr(loader, "batch_sampler", None)
    parts = [
        loader,
        batch_sampler,
        getattr(batch_sampler, "sampler", None),
        getattr(loader, "sampler", None),
        getattr(loader, "dataset", None),
    ]
    found = [getattr(part, "generator", None) for part in parts]
    return list({id(each): each for each in found if isinstance(each, torch.Generator)}.values())
