"""The batches of an epoch, from any loader, from any position."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from torch.utils.data import DataLoader

from plait.core.errors import DataError
from plait.data.loading import EpochBatches
from plait.training.randomness import Stream


class Feed:
    """Yields the batches of epoch e, the same ones whenever it is asked.

    Everything that a loader draws (the order, random transforms, the seeds of its workers) comes from
    a stream seeded by (seed, epoch). To resume inside an epoch, the batches already used are drawn
    again and dropped; a loader made by `plait.data.loader` skips them without reading.

    Args:
        loader: any iterable of batches that can be iterated once per epoch.
        seed: of the stream.
    """

    def __init__(self, loader: Any, seed: int) -> None:
        self.loader = loader
        self.seed = seed
        generator = getattr(loader, "generator", None)
        self._generator_state = None if generator is None else (generator, generator.get_state())

    def epoch(self, epoch: int, skip: int = 0) -> Iterator[Any]:
        """Yields the batches of an epoch, without the first `skip`.

        Raises:
            DataError: the loader is empty, or shorter than what is to be skipped.
        """
        stream = Stream(self.seed, "data", epoch)
        with stream.inside():
            batches = self._iterator(epoch, skip)
        count = 0
        while True:
            with stream.inside():
                batch = next(batches, None)
            if batch is None:
                break
            count += 1
            yield batch
        if count + skip == 0:
            raise DataError("the training loader gives no batch. Is the training split empty?")

    def _iterator(self, epoch: int, skip: int) -> Iterator[Any]:
        if (
            self._generator_state is not None
        ):  # a generator of the loader's own advances: set it back
            generator, state = self._generator_state
            generator.set_state(state)
            generator.manual_seed(generator.initial_seed() + epoch)
        batch_sampler = getattr(self.loader, "batch_sampler", None)
        if isinstance(self.loader, DataLoader) and isinstance(batch_sampler, EpochBatches):
            batch_sampler.set_epoch(epoch, skip)
            return iter(self.loader)
        sampler = getattr(self.loader, "sampler", None)
        if hasattr(sampler, "set_epoch"):
            sampler.set_epoch(epoch)
        batches = iter(self.loader)
        used = sum(1 for _ in islice(batches, skip))
        if used < skip:
            raise DataError(
                f"the loader gives {used} batches, but the checkpoint was made after {skip}. "
                "Resume with the data and the batch size of the first run."
            )
        return batches
