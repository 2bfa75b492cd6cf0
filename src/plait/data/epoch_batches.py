"""The order of an epoch's batches: it depends on (seed, epoch) alone, so a run resumes anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch.utils.data import Sampler

from plait.core.errors import ConfigError, DataError
from plait.core.seeding import derive_seed
from plait.data.draws import Draw, index_of


@dataclass(frozen=True)
class Draws(Sequence[Draw]):
    """The draws of one batch; each is made when it is asked for, since tables never ask.

    Attributes:
        indices: positions in the data set, one for each example.
        epoch: how often the data have been gone through before, from 0.
    """

    indices: list[int]
    epoch: int

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, position: int) -> Draw:  # type: ignore[override] # no slices
        return Draw(self.indices[position], self.epoch)


def indices_of(draws: Sequence[Draw | int]) -> list[int]:
    """Returns the positions in the data set that draws, or plain indices, stand for."""
    return draws.indices if isinstance(draws, Draws) else [index_of(draw) for draw in draws]


class EpochBatches(Sampler[Sequence[Draw]]):
    """Yields the batches of one epoch, a permutation drawn from (seed, epoch).

    Its whole state is (seed, epoch, batches to skip): nothing is drawn from a global generator.

    Args:
        size: number of examples, at least 1.
        batch_size: examples in a batch, at least 1; the last one may be smaller.
        shuffle: whether to permute; else the examples come in order.
        seed: of the permutations; 0 by default.

    Raises:
        ConfigError: `batch_size` is below 1.
        DataError: there is no example.
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

    def __iter__(self) -> Iterator[Draws]:
        order = list(range(self.size))
        if self.shuffle:
            generator = torch.Generator().manual_seed(derive_seed(self.seed, "order", self.epoch))
            order = torch.randperm(self.size, generator=generator).tolist()
        for start in range(self.skip * self.batch_size, self.size, self.batch_size):
            yield Draws(order[start : start + self.batch_size], self.epoch)
