"""The batches of an epoch, from any loader, from any position."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from copy import copy
from itertools import islice
from typing import Any

from torch.utils.data import DataLoader, Dataset, IterableDataset

from plait.core.batch import Batch
from plait.core.errors import DataError
from plait.core.label_counts import CountsLabels
from plait.data import Mixture
from plait.data.passes import Passes, batches_in
from plait.data.table_loader import counting
from plait.distributed import ranks


class Feed:
    """Yields the batches of epoch e, the same ones whenever it is asked; see `Passes`.

    Of several processes each has its part of every batch, which a loader of plait divides.

    Args:
        loader: any iterable of batches that can be iterated once per epoch.
        seed: of what the loader draws.
        tasks: those of the model, by which the labels of a table are counted at once; without them
            the loader is read as it is.

    Attributes:
        streams: whether the loader has no length, or can be gone through only once.
    """

    def __init__(self, loader: Any, seed: int, tasks: Iterable[CountsLabels] = ()) -> None:
        here = ranks()
        self.loader = loader = counting(loader, tasks, always=not here.alone)
        self.seed = seed
        self._passes = Passes(loader, seed, "data")
        self._passes.ranks = here
        self.streams = isinstance(loader, Iterator) or batches_in(loader) is None
        self._begun: Iterator[Any] | None = None  # the first epoch of a stream, once it is read

    @property
    def dataset(self) -> Any:
        """The data set of the training, where its examples are read as they are; else None."""
        whole = self._passes.joins or isinstance(self.loader, Mixture)
        return self.loader.dataset if whole else None

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
        count = skip
        for batch in self._passes.read(epoch, number=epoch, skip=skip):
            count += 1
            yield batch
        if count == 0:
            again = "" if epoch == 0 else f" in epoch {epoch + 1}. It has to start anew each time"
            raise DataError(
                f"the training loader gives no batch{again}. Is the training split empty?"
            )

    def ahead(self, most: int) -> Iterator[Any]:
        """Yields the batches of the first epoch before its time; what it draws stays what it is.

        Those of a stream are kept until they are trained on, since it may not start anew. Of a
        mixture, which draws some sources seldom or not at all, it is a pass over each of them.

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
        if isinstance(self.loader, Mixture):
            return self._first_passes()
        if not isinstance(self.loader, DataLoader):
            return self.epoch(0)
        # workers that live on would hand what they have drawn to the training
        reading = copy(self.loader)
        reading._iterator = None
        return Feed(reading, self.seed).epoch(0)

    def _first_passes(self) -> Iterator[Batch]:
        with self._passes.divided():
            yield from self.loader.first_passes()


def _drained(kept: deque[Any], rest: Iterator[Any]) -> Iterator[Any]:
    """Yields what was kept, without holding it any longer, and then the rest."""
    while kept:
        yield kept.popleft()
    yield from rest


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
