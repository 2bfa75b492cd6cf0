"""A loader of tables in memory: batches are cut by index, in this process."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from plait.core.batch import Batch, Part
from plait.core.label_counts import LabelCounts, counts_columns
from plait.core.label_table import LabelTable, cut
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
    counted and checked once in an epoch, and not batch by batch. For counted batches, the labels of
    many tasks are copied to a `LabelTable` at the beginning of an epoch, and cut as one tensor.
    """

    def __iter__(self) -> Any:
        order, data, join = self.batch_sampler, self.dataset, self.collate_fn
        known = isinstance(order, EpochBatches) and type(data) is InMemory and not self.num_workers
        if not known or not (join is collate or type(join) is Collation):  # somebody has set it
            return super().__iter__()
        assert isinstance(order, EpochBatches)
        assert isinstance(data, InMemory)
        if isinstance(join, Collation):
            return _counted(data, order, LabelCounts(join.tasks))
        return _uncounted(data, order)


def _uncounted(data: InMemory, order: EpochBatches) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
    """Yields inputs and labels of the batches of an epoch."""
    for rows in order.tensors():
        targets = {task: labels.index_select(0, rows) for task, labels in data.targets.items()}
        yield data.inputs.index_select(0, rows), targets


def _counted(data: InMemory, order: EpochBatches, tasks: LabelCounts) -> Iterator[Batch]:
    """Yields the batches of an epoch, with their labels counted."""
    table = _table(data.targets, tasks)
    whole = _complete(data, table, tasks)
    counts: dict[str, float] = {}
    of_rows = 0  # that `counts` is of
    if whole is not None:
        table = whole.targets
        labels_of_row = {task: n / len(data) for task, n in whole.counts.items()}
    for rows in order.tensors():
        inputs, targets = data.inputs.index_select(0, rows), cut(table, rows)
        if whole is None:
            yield Batch.of(inputs, targets, tasks)
            continue
        if rows.numel() != of_rows:
            of_rows = rows.numel()
            counts = {task: n * of_rows for task, n in labels_of_row.items()}
        yield Batch((Part(inputs, targets, counts, foreign=whole.foreign),))


def _table(targets: Mapping[str, Tensor], tasks: LabelCounts) -> Mapping[str, Tensor]:
    """Returns the labels, of many like tasks as a `LabelTable`; those of no task come last."""
    names = [task.name for task in tasks if task.name in targets]
    joined = {task.name for task in tasks if counts_columns(task)}
    ordered = {name: targets[name] for name in names} | dict(targets)
    return LabelTable.of(ordered, joined)


def _complete(data: InMemory, table: Mapping[str, Tensor], tasks: LabelCounts) -> Part | None:
    """Returns all rows with their labels counted; None where a label is missing or weighted.

    Raises:
        DataError: a label breaks its task's rule.
    """
    if any(labels.dim() > 2 for labels in data.targets.values()):  # masks: too many for one look
        return None
    (part,) = Batch.of(data.inputs, table, tasks).parts
    unweighted: set[Hashable] = set()  # rules of tasks
    for task in tasks:
        if task.name not in part.targets:
            continue
        labels, rule = part.targets[task.name], getattr(task, "label_rule", None)
        size = labels.numel()
        if rule is None or rule not in unweighted:
            weights = task.label_weights(labels, None) if isinstance(task, WeighsLabels) else labels
            plain = weights.dtype == torch.bool and len(weights) == len(data)
            if not (plain and weights.numel() == weights.sum()):
                return None
            size = weights.numel()
            unweighted.add(rule)
        if part.counts[task.name] != size:
            return None
    return part
