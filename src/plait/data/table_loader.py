"""A loader of tables in memory: batches are cut by index, in this process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from plait.core.batch import Batch, CountsLabels, Part
from plait.data.collate import Collation, collate
from plait.data.epoch_batches import EpochBatches
from plait.data.in_memory import InMemory


@runtime_checkable
class WeighsLabels(Protocol):
    """The side of a task that tells which labels count, and whether all of them count alike."""

    def label_weights(self, target: Any, weights: Tensor | None) -> Tensor:
        """Returns an entry for each label: boolean, true where it is there, if none is weighted."""


class TableLoader(DataLoader[Any]):
    """The loader of an `InMemory`, in the time that cutting takes; batches are those of torch's.

    Where no label is missing, the labels of a batch are as many as its rows, so that they are
    counted and checked once in an epoch, and not batch by batch.
    """

    def __iter__(self) -> Any:
        order, data, join = self.batch_sampler, self.dataset, self.collate_fn
        known = isinstance(order, EpochBatches) and type(data) is InMemory and not self.num_workers
        if not known or not (join is collate or type(join) is Collation):  # somebody has set it
            return super().__iter__()
        assert isinstance(order, EpochBatches)
        assert isinstance(data, InMemory)
        return _cut(data, order, join.tasks if isinstance(join, Collation) else None)


def _cut(
    data: InMemory, order: EpochBatches, tasks: Sequence[CountsLabels] | None
) -> Iterator[Any]:
    """Yields the batches of an epoch, counted if there are tasks."""
    whole = None if tasks is None else _complete(data, tasks)
    tables = data.targets if whole is None else whole.targets
    labels_of_row = {} if whole is None else {t: n / len(data) for t, n in whole.counts.items()}
    for rows in order.tensors():
        inputs = data.inputs.index_select(0, rows)
        targets = {task: labels.index_select(0, rows) for task, labels in tables.items()}
        if whole is not None:
            counts = {task: n * rows.numel() for task, n in labels_of_row.items()}
            yield Batch((Part(inputs, targets, counts, foreign=whole.foreign),))
        elif tasks is not None:
            yield Batch.of(inputs, targets, tasks)
        else:
            yield inputs, targets


def _complete(data: InMemory, tasks: Sequence[CountsLabels]) -> Part | None:
    """Returns all rows with their labels counted; None where a label is missing or weighted.

    Raises:
        DataError: a label breaks its task's rule.
    """
    if any(labels.dim() > 2 for labels in data.targets.values()):  # masks: too many for one look
        return None
    (part,) = Batch.of(data.inputs, data.targets, tasks).parts
    for task in tasks:
        if task.name in part.targets:
            labels = part.targets[task.name]
            weights = task.label_weights(labels, None) if isinstance(task, WeighsLabels) else labels
            plain = weights.dtype == torch.bool and len(weights) == len(data)
            if not (plain and part.counts[task.name] == weights.numel() == weights.sum()):
                return None
    return part
