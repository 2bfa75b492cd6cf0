"""One data set of several: its batches, and what is known of its size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from torch.utils.data import DataLoader, Dataset, IterableDataset

from plait.core.arguments import checked
from plait.core.errors import ConfigError, DataError
from plait.core.label_counts import CountsLabels
from plait.core.options import AtLeast, Count
from plait.data.loader import loader
from plait.data.mixing.base import Size
from plait.data.passes import batches_in
from plait.data.streams.pieces import Stream
from plait.data.streams.shuffle import BUFFER


class Source:
    """One data set of a mixture.

    Args:
        data: examples ``(inputs, {task: label})`` that are still to be cut into batches: a
            map-style data set, such as a list, or an `IterableDataset`. Or batches of your own
            making: a `DataLoader`, or any object that gives them anew each time it is iterated.
        batch_size: examples in a batch, at least 1. Batches of your own need it where they do not
            say how many examples they have, and the mixing asks.
        examples: of one pass, at least 1, where the data do not say it themselves.
        shuffle: whether each pass over a data set has an order of its own.
        drop_last: whether a last batch with fewer examples is left out; batch normalisation cannot
            train on a batch of one.
        workers: processes that read examples, at most one of them a stream; 0 reads in the training
            process.
        buffer: examples of a stream that are held at once to be shuffled.

    Raises:
        ConfigError: an option is outside its range, or a data set has no `batch_size`.
        DataError: the data are empty, or can be gone through only once.

    Example:
        >>> examples = [(float(number), {"even": number % 2 == 0}) for number in range(10)]
        >>> Source(examples, batch_size=4).size
        Size(examples=10, batches=3, batch_size=3.33...)
    """

    @checked
    def __init__(
        self,
        data: Any,
        *,
        batch_size: Count | None = None,
        examples: Count | None = None,
        shuffle: bool = True,
        drop_last: bool = False,
        workers: Annotated[int, AtLeast(0)] = 0,
        buffer: Count = BUFFER,
    ) -> None:
        _check(data, batch_size)
        self.data = data
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.workers = workers
        self.buffer = buffer
        self.of_examples = isinstance(data, Dataset) or (
            batch_size is not None and hasattr(data, "__getitem__")
        )
        self.size = self._size_of_examples(examples) if self.of_examples else self._size(examples)

    def loader(self, tasks: Iterable[CountsLabels], seed: int) -> Any:
        """Makes the loader of its batches.

        Args:
            tasks: of the model; they count the labels.
            seed: of the orders.
        """
        if not self.of_examples:
            return self.data
        assert self.batch_size is not None
        stream = isinstance(self.data, IterableDataset)
        return loader(
            self.data,
            batch_size=self.batch_size,
            shuffle=self.shuffle,
            seed=seed,
            workers=min(self.workers, 1) if stream else self.workers,
            drop_last=self.drop_last,
            tasks=tasks,
            buffer=self.buffer,
        )

    def _size_of_examples(self, stated: int | None) -> Size:
        """Returns the size of data that are cut into batches here."""
        said = getattr(self.data, "examples", None) if isinstance(self.data, Stream) else None
        count, size = stated or said or batches_in(self.data), self.batch_size
        assert size is not None
        if count is None:
            return Size(None, None, size)
        batches = count // size if self.drop_last else -(-count // size)
        if not batches:
            found = f"{count} examples, less than one batch of {size}" if count else "none"
            raise DataError(f"a source must have at least one batch of examples; found {found}.")
        used = batches * size if self.drop_last else count
        return Size(used, batches, used / batches)

    def _size(self, stated: int | None) -> Size:
        """Returns the size of batches of the user's own making, as far as it is known."""
        batches, size, count = batches_in(self.data), self.batch_size, stated
        if batches == 0:
            raise DataError("a source must have at least one batch; found none.")
        if isinstance(self.data, DataLoader):
            own = getattr(self.data.batch_sampler, "batch_size", None)
            size = size or self.data.batch_size or own
            count = count or batches_in(self.data.sampler)
        if batches is None:
            return Size(count, -(-count // size) if count and size else None, size)
        if count is None:
            return Size(None if size is None else batches * size, batches, size)
        mean = count / batches
        return Size(count, batches, mean if size is None else min(size, mean))


def _check(data: Any, batch_size: int | None) -> None:
    if isinstance(data, Dataset) and batch_size is None:
        raise ConfigError(
            f"a source that is a data set of examples ({type(data).__name__}) needs a "
            "`batch_size`: `Source(dataset, batch_size=32)`."
        )
    if isinstance(data, Iterator):
        raise DataError(
            f"a source must give its batches anew in each pass; a {type(data).__name__} can be "
            "gone through once. Give a data set, a loader, or an object whose `__iter__` starts "
            "anew."
        )
    if not (hasattr(data, "__iter__") or hasattr(data, "__getitem__")):
        raise DataError(
            f"a source must be a data set or a loader of batches; found {type(data).__name__}."
        )
