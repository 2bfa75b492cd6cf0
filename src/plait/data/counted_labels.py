"""The labels of a table in memory, checked and counted as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from plait.core.batch import Batch, Part
from plait.core.label_counts import CountsLabels, LabelCounts, counts_columns
from plait.core.label_table import LabelTable, cut
from plait.data.in_memory import InMemory


@runtime_checkable
class WeighsLabels(Protocol):
    """The side of a task that tells which labels count, and whether all of them count alike."""

    def label_weights(self, target: Any, weights: Tensor | None) -> Tensor:
        """Returns an entry for each label: boolean, true where it is there, if none is weighted."""


@dataclass(frozen=True)
class CountedLabels:
    """The labels of a table, from which counted batches are cut.

    Attributes:
        targets: `{task: labels [N, ...]}`, those of many like tasks in a `LabelTable`.
        tasks: count their labels in each batch, unless none is missing.
        labels_of_row: `{task: labels of a row}`; None where a label is missing or weighted, so that
            the labels of a batch have to be counted.
        foreign: names of the labels that belong to no task, if `labels_of_row` is known.
        read: the tensors that were read, with their versions.
    """

    targets: Mapping[str, Tensor]
    tasks: LabelCounts
    labels_of_row: Mapping[str, float] | None
    foreign: tuple[str, ...]
    read: Mapping[str, tuple[Tensor, int]]

    @classmethod
    def of(cls, data: InMemory, tasks: tuple[CountsLabels, ...]) -> CountedLabels:
        """Reads, checks and counts the labels of a table.

        Args:
            data: the table.
            tasks: of the model.

        Raises:
            DataError: a label breaks its task's rule.
        """
        count = LabelCounts(tasks)
        targets = _joined(data.targets, count)
        whole = _complete(data, targets, count)
        labels_of_row, foreign = None, tuple[str, ...]()
        if whole is not None:
            targets, foreign = whole.targets, whole.foreign
            labels_of_row = {task: n / len(data) for task, n in whole.counts.items()}
        read = {}
        if all(_tells_of_writing(labels) for labels in data.targets.values()):
            read = {name: (labels, labels._version) for name, labels in data.targets.items()}
        return cls(targets, count, labels_of_row, foreign, read)

    def holds(self, data: InMemory, tasks: tuple[CountsLabels, ...]) -> bool:
        """Tells whether the labels of a table are the same still, as far as tensors know."""
        return (
            self.tasks.tasks is tasks
            and self.read.keys() == data.targets.keys()
            and all(
                labels is data.targets[name] and labels._version == version
                for name, (labels, version) in self.read.items()
            )
        )

    def batches(self, inputs: Tensor, rows: Iterator[Tensor]) -> Iterator[Batch]:
        """Yields the batches of some rows, with their labels counted.

        Args:
            inputs: of all rows.
            rows: numbers of the rows of each batch.
        """
        counts: dict[str, float] = {}
        size = 0  # of the batch that `counts` is of
        for each in rows:
            if not len(each):  # all of them are in the parts of other processes
                yield Batch(())
                continue
            own, targets = inputs.index_select(0, each), cut(self.targets, each)
            if self.labels_of_row is None:
                yield Batch.of(own, targets, self.tasks)
                continue
            if len(each) != size:
                size = len(each)
                counts = {task: n * size for task, n in self.labels_of_row.items()}
            yield Batch((Part(own, targets, counts, foreign=self.foreign),))


def _tells_of_writing(labels: Tensor) -> bool:
    """Whether a tensor's version changes whenever it is written to."""
    if type(labels) is not Tensor or labels.layout != torch.strided or labels.is_inference():
        return False
    memory = labels.untyped_storage()
    return bool(memory.resizable() and not memory.is_shared())  # that of NumPy is not resizable


def _joined(targets: Mapping[str, Tensor], tasks: LabelCounts) -> Mapping[str, Tensor]:
    """Returns the labels, of many like tasks as a `LabelTable`; those of no task come last."""
    names = [task.name for task in tasks if task.name in targets]
    joined = {task.name for task in tasks if counts_columns(task)}
    ordered = {name: targets[name] for name in names} | dict(targets)
    return LabelTable.of(ordered, joined)


def _complete(data: InMemory, targets: Mapping[str, Tensor], tasks: LabelCounts) -> Part | None:
    """Returns all rows with their labels counted; None where a label is missing or weighted.

    Raises:
        DataError: a label breaks its task's rule.
    """
    if any(labels.dim() > 2 for labels in data.targets.values()):  # masks: too many for one look
        return None
    (part,) = Batch.of(data.inputs, targets, tasks).parts
    fellows: set[str] = set()  # of a task that is looked at, with as many labels
    together = tasks.alike(part.targets) if isinstance(part.targets, LabelTable) else ()
    for first, *others in together:
        if any(part.counts[task.name] != part.counts[first.name] for task in others):
            return None
        fellows.update(task.name for task in others)
    for task in tasks:
        if task.name in part.targets and task.name not in fellows:
            labels = part.targets[task.name]
            weights = task.label_weights(labels, None) if isinstance(task, WeighsLabels) else labels
            plain = weights.dtype == torch.bool and len(weights) == len(data)
            if not (plain and part.counts[task.name] == weights.numel() == weights.sum()):
                return None
    return part
