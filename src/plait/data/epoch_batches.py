"""The order of an epoch's batches: it depends on (seed, epoch) alone, so a run resumes anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.utils.data import Sampler

from plait.core.errors import ConfigError, DataError
from plait.core.seeding import derive_seed
from plait.data.draws import Draw
from plait.distributed import ALONE, Ranks

POOL = 50  # batches among which examples are sorted by length


class EpochBatches(Sampler[list[int] | list[Draw]]):
    """Yields the batches of one epoch as lists of indices, a permutation drawn from (seed, epoch).

    Its whole state is (seed, epoch, batches to skip): nothing is drawn from a global generator.
    Processes that read it together have the same batches, each a part of every one.

    Args:
        size: number of examples, at least 1.
        batch_size: examples in a batch, at least 1; the last one may be smaller.
        shuffle: whether to permute; else the examples come in order.
        seed: of the permutations; 0 by default.
        drop_last: whether a last batch with fewer examples is left out; no by default.
        draws: whether an index is a `Draw`, which tells the epoch as well; else a whole number.
        lengths: of the examples, where they are sequences. Batches of a shuffled epoch then have
            examples of like lengths, which wastes little on padding: the permutation is cut into
            pools of 50 batches, each pool is sorted by length and cut into batches, and the full
            batches are shuffled again.

    Attributes:
        ranks: the processes that read it together: of W of them, rank r has every W-th example of
            a batch from the r-th on, which may be none.

    Raises:
        ConfigError: `batch_size` is below 1.
        DataError: there is no example, or no whole batch with `drop_last`; `lengths` are not those
            of the examples.
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        *,
        shuffle: bool,
        seed: int = 0,
        drop_last: bool = False,
        draws: bool = False,
        lengths: Sequence[int] | Tensor | None = None,
    ) -> None:
        if batch_size < 1:
            raise ConfigError(f"`batch_size` must be at least 1; found {batch_size}.")
        if size < 1:
            raise DataError(
                "a split must have at least one example; found none. Check the data folder."
            )
        if drop_last and size < batch_size:
            raise DataError(
                f"`drop_last` leaves no batch: there are {size} examples, and `batch_size` is "
                f"{batch_size}. Use a smaller `batch_size`."
            )
        self.size = size - size % batch_size if drop_last else size
        self.examples = size
        self.drop_last = drop_last
        self.draws = draws
        self.lengths = None if lengths is None else torch.as_tensor(lengths)
        if self.lengths is not None and self.lengths.shape != (size,):
            raise DataError(
                f"`lengths` of a data set must be one number for each of its {size} examples; "
                f"found {list(self.lengths.shape)}. Call an attribute that means something else by "
                "another name."
            )
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.epoch = 0
        self.skip = 0
        self.ranks: Ranks = ALONE

    def set_epoch(self, epoch: int, skip: int = 0) -> None:
        """Sets the epoch, and how many of its batches are left out at the beginning."""
        self.epoch = epoch
        self.skip = skip

    def __len__(self) -> int:
        return -(-self.size // self.batch_size)

    def __iter__(self) -> Iterator[list[int] | list[Draw]]:
        for rows in self.tensors():
            batch = rows.tolist()
            yield [Draw(index, self.epoch) for index in batch] if self.draws else batch

    def tensors(self) -> Iterator[Tensor]:
        """Yields the batches as tensors of indices, which cut a table without a list between."""
        order = torch.arange(self.examples)
        if self.shuffle:
            generator = torch.Generator().manual_seed(derive_seed(self.seed, "order", self.epoch))
            order = torch.randperm(self.examples, generator=generator)
            if self.lengths is not None:
                order = self._of_like_lengths(order, self.lengths, generator)
        for start in range(self.skip * self.batch_size, self.size, self.batch_size):
            yield self.ranks.part(order[start : start + self.batch_size])

    def _of_like_lengths(
        self, order: Tensor, lengths: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Sorts each pool of an order by length, and shuffles the full batches."""
        pools = torch.split(order, POOL * self.batch_size)
        sorted_order = torch.cat([pool[lengths[pool].argsort(stable=True)] for pool in pools])
        whole = self.examples - self.examples % self.batch_size
        batches = sorted_order[:whole].view(-1, self.batch_size)
        shuffled = batches[torch.randperm(len(batches), generator=generator)]
        return torch.cat([shuffled.flatten(), sorted_order[whole:]])
