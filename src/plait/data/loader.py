"""A loader of counted batches from which a run can resume anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sized
from typing import Any, cast

import torch
from torch.utils.data import DataLoader, Dataset

from plait.core.batch import CountsLabels
from plait.core.seeding import derive_seed
from plait.data.collate import Collation, collate
from plait.data.epoch_batches import EpochBatches


def loader(
    dataset: Dataset[Any],
    *,
    batch_size: int,
    shuffle: bool,
    seed: int = 0,
    workers: int = 0,
    tasks: Iterable[CountsLabels] | None = None,
) -> DataLoader[Any]:
    """Makes a loader of batches from which a run can resume anywhere.

    Without workers, the Trainer resumes without reading what it skips. Workers read it again, since
    what random transforms draw in them depends on what they drew before.

    Args:
        dataset: map-style; examples are ``(inputs, {task: label})``, indexed by `Draw`. Tables
            (`InMemory`, `Disjoint`) are cut into batches by index, without a Python step for each
            row.
        batch_size: examples in a batch, at least 1; the last one may be smaller.
        shuffle: whether each epoch has an order of its own.
        seed: of the orders; 0 by default.
        workers: processes that read; 0, the default, reads in this one.
        tasks: the tasks of the model. With them the loader yields `Batch` objects, whose labels
            are checked and counted where they are read; without, ``(inputs, {task: labels})``,
            which the Trainer and `evaluate` count. Workers that are spawned get the tasks by
            pickle.

    Raises:
        ConfigError: `batch_size` is below 1.
        DataError: the data set is empty.
    """
    # Any: torch asks for lists, and takes every sequence
    batches: Any = EpochBatches(len(cast(Sized, dataset)), batch_size, shuffle=shuffle, seed=seed)
    return DataLoader(
        dataset,
        batch_sampler=batches,
        num_workers=workers,
        persistent_workers=False,
        collate_fn=collate if tasks is None else Collation(tasks),
        # else every epoch would draw its workers' seeds from the global generator
        generator=torch.Generator().manual_seed(derive_seed(seed, "workers")),
    )
