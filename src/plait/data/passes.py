"""The batches of a loader, pass by pass: the same ones whenever a pass is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import torch
from torch.utils.data import DataLoader

from plait.core.errors import DataError
from plait.core.random_stream import RandomStream
from plait.data.collate import Collation, collate
from plait.data.epoch_batches import EpochBatches
from plait.data.in_memory import InMemory
from plait.data.resumable import Resumable
from plait.distributed import ALONE, Ranks


class Passes:
    """Yields the batches of a pass over a loader, the same ones whenever it is asked.

    Everything that a loader draws (the order, random transforms, the seeds of its workers) comes
    from a stream of random numbers that is seeded by the pass. A generator of the loader's own, or
    of its sampler or data set (`generator`), is seeded from its first seed likewise; outside it
    stays as it was.

    To begin inside a pass, the batches before are drawn again and dropped. A loader made by
    `plait.data.loader` without workers skips them without reading: each of its batches has a stream
    of its own; so does a loader of one's own that is `plait.data.Resumable` and seeks. Workers that
    live for several passes (`persistent_workers`) keep their own generators, which nobody can set
    back; what their transforms draw is not repeated.

    Args:
        loader: any iterable of batches that starts anew each time.
        seed: what the streams of random numbers are a function of, beside the pass.

    Attributes:
        ranks: the processes that read it together, one by default. Loaders of plait give each a
            part of every batch, in which transforms draw from streams of the process's own; one of
            your own gives what it gives.
        joins: whether each example is there once in a pass, and nothing but joined to batches.
    """

    def __init__(self, loader: Any, *seed: int | str) -> None:
        self.loader = loader
        self._seed = seed
        self.ranks: Ranks = ALONE
        batch_sampler: Any = getattr(loader, "batch_sampler", None)
        self._ordered = batch_sampler if isinstance(batch_sampler, EpochBatches) else None
        self._resumable = loader if isinstance(loader, Resumable) else None
        self._seeks = (
            self._ordered is not None and isinstance(loader, DataLoader) and loader.num_workers == 0
        ) or (self._resumable is not None and self._resumable.seeks)
        self._draws_nothing = self._seeks and (
            _is_table(loader) or getattr(loader, "seeds_itself", False)
        )
        self._generators = _generators(loader)
        self.joins = self._ordered is not None and _joins(loader)
        given = self._ordered, self._resumable
        self._parted: list[Any] = [each for each in given if hasattr(each, "ranks")]

    def read(self, *place: int, number: int, skip: int = 0) -> Iterator[Any]:
        """Yields the batches of a pass, without the first `skip`, as the loader makes them.

        Args:
            place: of the pass, by which its streams are seeded.
            number: of the pass, by which a loader of plait draws its order; samplers and data sets
                that have a `set_epoch` are told it.
            skip: batches that were used before.

        Raises:
            DataError: the loader is shorter than what is to be skipped.
        """
        with self.divided():
            yield from self._read(place, number, skip)

    @property
    def divides(self) -> bool:
        """Whether the loader is one of plait, which divides its batches among processes itself."""
        return bool(self._parted)

    @contextmanager
    def divided(self) -> Iterator[None]:
        """The loader gives this process its part of each batch, and whole ones afterwards."""
        for each in self._parted:
            each.ranks = self.ranks
        try:
            yield
        finally:
            for each in self._parted:
                each.ranks = ALONE

    def _read(self, place: tuple[int, ...], number: int, skip: int) -> Iterator[Any]:
        if self._draws_nothing and not getattr(self.loader, "num_workers", 0):
            yield from self._iterator(number, skip)
            return
        apart = self.ranks.own if self.divides else ()
        stream = RandomStream(*self._seed, *place, *apart, generators=self._generators)
        with stream.inside():
            batches = self._iterator(number, skip)
        count = skip
        while True:
            if self._seeks and not self._draws_nothing:
                own = (*self._seed, *place, count, *apart)
                stream = RandomStream(*own, generators=self._generators)
            with stream.inside():
                batch = next(batches, None)
            if batch is None:
                return
            count += 1
            yield batch

    def _iterator(self, number: int, skip: int) -> Iterator[Any]:
        sampler: Any = self._ordered or getattr(self.loader, "sampler", None)
        parts: tuple[Any, ...] = (sampler, getattr(self.loader, "dataset", None))
        for part in parts:
            if hasattr(part, "set_epoch"):
                part.set_epoch(number)
        if self._resumable is not None:
            used = skip if self._seeks else 0
            self._resumable.start_at(number, used)
            batches: Iterator[Any] = iter(self.loader)
            used = min(used, batches_in(self.loader) or used)
            used += sum(1 for _ in islice(batches, 0 if self._seeks else skip))
        elif self._seeks and self._ordered is not None:
            self._ordered.set_epoch(number, skip)
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


def batches_in(loader: Any) -> int | None:
    """Returns the number of batches in an epoch; None if the loader cannot tell, as a stream."""
    try:
        return len(loader)
    except (TypeError, NotImplementedError):  # a DataLoader of a stream has `__len__` all the same
        return None


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
