"""Batches whose order depends on (seed, epoch) alone, so that a run can resume anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Sized
from typing import Any, cast

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, default_collate

from plait.core.errors import ConfigError, DataError
from plait.core.seeding import derive_seed
from plait.core.structure import PerTask
from plait.data.disjoint import join
from plait.data.draws import Draw, index_of


class EpochBatches(Sampler[list[Draw]]):
    """Yields the batches of one epoch, a permutation drawn from (seed, epoch).

    Its whole state is (seed, epoch, batches to skip): nothing is drawn from a global generator.

    Args:
        size: number of examples.
        batch_size: examples in a batch; the last one may be smaller.
        shuffle: whether to permute; else the examples come in order.
        seed: of the permutations.
    """

    def __init__(self, size: int, batch_size: int, *, shuffle: bool, seed: int = 0) -> None:
        if batch_size < 1:
            raise ConfigError(f"`batch_size` must be at least 1; found {batch_size}.")
        if size < 1:
            raise DataError(
                "a split must have at least one example; found none. Check the data folder."
            )
        self.size = size
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.epoch = 0
        self.skip = 0

    def set_epoch(self, epoch: int, skip: int = 0) -> None:
        """Sets the epoch, and how many of its batches are left out at the beginning."""
        self.epoch = epoch
        self.skip = skip

    def __len__(self) -> int:
        return -(-self.size // self.batch_size)

    def __iter__(self) -> Iterator[list[Draw]]:
        order = list(range(self.size))
        if self.shuffle:
            generator = torch.Generator().manual_seed(derive_seed(self.seed, "order", self.epoch))
            order = torch.randperm(self.size, generator=generator).tolist()
        for start in range(self.skip * self.batch_size, self.size, self.batch_size):
            yield [Draw(index, self.epoch) for index in order[start : start + self.batch_size]]


def loader(
    dataset: Dataset[Any], *, batch_size: int, shuffle: bool, seed: int = 0, workers: int = 0
) -> DataLoader[Any]:
    """Returns a loader of `(inputs, targets)` batches from which a run can resume anywhere.

    Without workers, the Trainer resumes without reading what it skips. Workers read it again, since
    what random transforms draw in them depends on what they drew before.

    Args:
        dataset: map-style; items are `(inputs, {task: label})`, indexed by `Draw`.
        batch_size: examples in a batch.
        shuffle: whether each epoch has an order of its own.
        seed: of the orders.
        workers: processes that read; 0 reads in this one.
    """
    sized = cast(Sized, dataset)
    batches = EpochBatches(len(sized), batch_size, shuffle=shuffle, seed=seed)
    return DataLoader(
        dataset,
        batch_sampler=batches,
        num_workers=workers,
        persistent_workers=False,
        collate_fn=collate,
        # else every epoch would draw its workers' seeds from the global generator
        generator=torch.Generator().manual_seed(derive_seed(seed, "workers")),
    )


def collate(items: Sequence[tuple[Any, Mapping[str, Any]]]) -> tuple[Any, dict[str, Any]]:
    """Stacks `(inputs, {task: label})` items; all of them have to have the same tasks.

    A label that is missing for an example is the task's missing value (NaN or its ignore index).
    Items whose inputs are `PerTask` hold tables, as those of `Disjoint`; these are joined by task.
    """
    tasks = items[0][1].keys()
    for _, targets in items:
        if targets.keys() != tasks:
            raise DataError(
                f"all examples must have the same label names; found {sorted(tasks)} and "
                f"{sorted(targets)}. Give a missing label as NaN or the task's ignore_index."
            )
    if isinstance(items[0][0], PerTask):
        tables = PerTask({task: join([item[0][task] for item in items]) for task in tasks})
        return tables, {task: join([item[1][task] for item in items]) for task in tasks}
    inputs = default_collate([item[0] for item in items])
    return inputs, {task: default_collate([item[1][task] for item in items]) for task in tasks}


class InMemory(Dataset[tuple[Any, dict[str, Any]]]):
    """A data set of tensors held in memory.

    Args:
        inputs: `[N, ...]`.
        targets: `{task: labels [N, ...]}`.

    Example:
        >>> data = InMemory(torch.zeros(3, 2), {"y": torch.tensor([0, 1, 2])})
        >>> data[Draw(2, epoch=0)][1]
        {'y': tensor(2)}
    """

    def __init__(self, inputs: Tensor, targets: Mapping[str, Tensor]) -> None:
        for task, labels in targets.items():
            if len(labels) != len(inputs):
                raise DataError(
                    f"task {task!r} has {len(labels)} labels for {len(inputs)} examples."
                )
        self.inputs = inputs
        self.targets = dict(targets)

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, draw: Draw | int) -> tuple[Any, dict[str, Any]]:
        index = index_of(draw)
        return self.inputs[index], {task: labels[index] for task, labels in self.targets.items()}
