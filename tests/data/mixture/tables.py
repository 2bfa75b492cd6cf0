"""Small sources, whose examples say where they are from."""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset

from plait.data import InMemory, Mixture, Source, collate
from plait.tasks import BaseTask, Regression

LARGE, MIDDLE, SMALL = 23, 9, 4


def tasks() -> list[BaseTask]:
    """One for each source, and one that all of them have."""
    names = ("large", "middle", "small", "common")
    return [Regression(name, mean=0.0, scale=10.0) for name in names]


def table(name: str, count: int) -> InMemory:
    """Examples 0, 1, 2, ..: the number is the input and both labels."""
    numbers = torch.arange(float(count))[:, None]
    return InMemory(numbers, {name: numbers, "common": numbers})


class Noisy(Dataset[Any]):
    """Examples with noise from the global generators of torch, NumPy and Python."""

    def __init__(self, inner: InMemory) -> None:
        self.inner = inner
        self.read = 0

    def __len__(self) -> int:
        return len(self.inner)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        self.read += 1
        inputs, targets = self.inner[index]
        noise = torch.rand(1) + float(np.random.rand()) + random.random()
        return inputs + 0.01 * noise, targets


class Stream(IterableDataset[Any]):
    """The examples of a table in order, from a stream that says how many it has, or does not."""

    def __init__(self, inner: InMemory) -> None:
        self.inner = inner

    def __iter__(self) -> Iterator[Any]:
        info = torch.utils.data.get_worker_info()
        first, step = (0, 1) if info is None else (info.id, info.num_workers)
        for index in range(first, len(self.inner), step):
            inputs, targets = self.inner[index]
            yield inputs + 0.01 * torch.rand(1), targets


class KnownStream(Stream):
    """A stream with a length."""

    def __len__(self) -> int:
        return len(self.inner)


def own_loader(inner: Dataset[Any], size: int = 3, **options: Any) -> DataLoader[Any]:
    """A loader of the user's own."""
    return DataLoader(inner, batch_size=size, shuffle=True, collate_fn=collate, **options)


def sources(workers: int = 0) -> dict[str, Source]:
    """A table, a data set that draws, and a loader of the user's own."""
    middle = Noisy(table("middle", MIDDLE))
    return {
        "large": Source(table("large", LARGE), batch_size=4, workers=workers),
        "middle": Source(middle, batch_size=2, workers=workers),
        "small": Source(own_loader(Noisy(table("small", SMALL)))),
    }


def contents(batches: Any) -> list[list[tuple[str, list[float]]]]:
    """The source and the inputs of each part."""
    return [[(part.source, part.inputs.flatten().tolist()) for part in b.parts] for b in batches]


def epoch_of(mixture: Mixture, epoch: int, skip: int = 0) -> list[list[tuple[str, list[float]]]]:
    """The contents of an epoch from a position on."""
    mixture.start_at(epoch, skip)
    return contents(mixture)
