"""A loader of counted batches from which a run can resume anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sized
from typing import Any, cast

import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset

from plait.core.label_counts import CountsLabels
from plait.core.seeding import derive_seed
from plait.data.collate import Collation, collate
from plait.data.draws import takes_draws
from plait.data.epoch_batches import EpochBatches
from plait.data.in_memory import InMemory
from plait.data.streams.shuffle import BUFFER
from plait.data.streams.stream_loader import StreamLoader
from plait.data.table_loader import TableLoader


def loader(
    dataset: Dataset[Any],
    *,
    batch_size: int,
    shuffle: bool,
    seed: int = 0,
    workers: int = 0,
    drop_last: bool = False,
    tasks: Iterable[CountsLabels] | None = None,
    buffer: int = BUFFER,
) -> DataLoader[Any]:
    """Makes a loader of batches from which a run can resume anywhere.

    Without workers, the Trainer resumes without reading what it skips. Workers read it again, since
    what random transforms draw in them depends on what they drew before.

    Args:
        dataset: map-style, such as a list; ``dataset[i]`` is ``(inputs, {task: label})``, for
            whole numbers i. One with ``takes_draws = True`` is asked for ``dataset[Draw(i, e)]``, e
            the epoch. Tables (`InMemory`, `Disjoint`) are cut into batches by index, without a
            Python step for each row. Where an example's inputs are sequences, an attribute
            `lengths` makes batches of like lengths; see `EpochBatches`. Or an iterable data set, a
            stream: a `Stream` of plait is shuffled and resumed anywhere, any other is read from its
            beginning to there.
        batch_size: examples in a batch, at least 1; the last one may be smaller.
        shuffle: whether each epoch has an order of its own.
        seed: of the orders; 0 by default.
        workers: processes that read; 0, the default, reads in this one.
        drop_last: whether a last batch with fewer examples is left out; no by default. Batch
            normalisation cannot train on a batch of one example.
        tasks: the tasks of the model. With them the loader yields `Batch` objects, whose labels
            are checked and counted where they are read; without, ``(inputs, {task: labels})``,
            which the Trainer and `evaluate` count, those of an `InMemory` all at once. Workers
            that are spawned get the tasks by pickle.
        buffer: examples of a stream that are held at once to be shuffled; see
            `plait.data.streams.shuffle.batches_of_epoch`.

    Raises:
        ConfigError: `batch_size` is below 1, a subset hides a data set that takes draws, or a
            stream is to have several workers.
        DataError: the data set is empty, or has no whole batch with `drop_last`.
    """
    collation = collate if tasks is None else Collation(tasks)
    if isinstance(dataset, IterableDataset):
        return StreamLoader(
            dataset,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            workers=workers,
            drop_last=drop_last,
            collation=collation,
            buffer=buffer,
        )
    batches = EpochBatches(
        len(cast(Sized, dataset)),
        batch_size,
        shuffle=shuffle,
        seed=seed,
        drop_last=drop_last,
        draws=takes_draws(dataset),
        lengths=getattr(dataset, "lengths", None),
    )
    kind = TableLoader if type(dataset) is InMemory else DataLoader
    return kind(
        dataset,
        batch_sampler=batches,
        num_workers=workers,
        persistent_workers=False,
        collate_fn=collation,
        # else every epoch would draw its workers' seeds from the global generator
        generator=torch.Generator().manual_seed(derive_seed(seed, "workers")),
    )
