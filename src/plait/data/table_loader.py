"""A loader of tables in memory: batches are cut by index, in this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader

from plait.core.batch import Batch
from plait.core.label_counts import CountsLabels
from plait.core.label_table import cut
from plait.data.collate import Collation, collate
from plait.data.counted_labels import CountedLabels
from plait.data.epoch_batches import EpochBatches
from plait.data.in_memory import InMemory


class TableLoader(DataLoader[Any]):
    """The loader of an `InMemory`, in the time that cutting takes; batches are those of torch's.

    For counted batches, labels are looked at once, and again at the beginning of an epoch before
    which they were written to (of each epoch, if NumPy holds them). Those of many like tasks are
    copied to a `LabelTable` and cut as one tensor. Where no label is missing, those of a batch are
    as many as its rows, and need not be counted.
    """

    _counted: CountedLabels | None = None
    _for_tasks: tuple[tuple[CountsLabels, ...], TableLoader] | None = None

    def for_tasks(self, tasks: tuple[CountsLabels, ...]) -> TableLoader:
        """Returns a loader of the same batches that counts the labels of some tasks.

        It is the same one whenever it is asked for the same tasks, and knows what it has read.
        """
        if self._for_tasks is None or self._for_tasks[0] != tasks:
            counting = copy(self)
            counting.collate_fn = Collation(tasks)
            self._for_tasks = tasks, counting
        return self._for_tasks[1]

    def __iter__(self) -> Any:
        order, data, join = self.batch_sampler, self.dataset, self.collate_fn
        known = isinstance(order, EpochBatches) and type(data) is InMemory and not self.num_workers
        if not known or not (join is collate or type(join) is Collation):  # somebody has set it
            return super().__iter__()
        assert isinstance(order, EpochBatches)
        assert isinstance(data, InMemory)
        if isinstance(join, Collation):
            return self._batches(data, order, join.tasks)
        return _uncounted(data, order)

    def _batches(
        self, data: InMemory, order: EpochBatches, tasks: tuple[CountsLabels, ...]
    ) -> Iterator[Batch]:
        """Yields the batches of an epoch, with their labels counted."""
        if self._counted is None or not self._counted.holds(data, tasks):
            self._counted = CountedLabels.of(data, tasks)
        yield from self._counted.batches(data.inputs, order.tensors())


def _uncounted(
    data: InMemory, order: EpochBatches
) -> Iterator[tuple[Tensor, Mapping[str, Tensor]]]:
    """Yields inputs and labels of the batches of an epoch."""
    for rows in order.tensors():
        yield data.inputs.index_select(0, rows), cut(data.targets, rows)


def counting(loader: Any, tasks: Iterable[CountsLabels], *, always: bool = False) -> Any:
    """Returns a loader that counts the labels of a table at once, as if it was given the tasks.

    Args:
        loader: of batches. One that counts already, or that is of no table in memory, is returned
            as it is.
        tasks: of the model; without any, nothing is counted.
        always: whether examples that are joined one by one are counted as well, where they are
            joined: only a counted batch can have none, as that of a process without a part of it.
    """
    tasks = tuple(tasks)
    if not tasks or getattr(loader, "collate_fn", None) is not collate:
        return loader
    if type(loader) is TableLoader and not loader.num_workers:
        return loader.for_tasks(tasks)
    if not always:
        return loader
    counting = copy(loader)
    counting.collate_fn = Collation(tasks)
    return counting
