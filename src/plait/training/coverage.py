"""Label coverage: how many rows of a split have a label, task by task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from plait.core.batch import Batch
from plait.core.rows import by_row, rows_of
from plait.core.structure import PerTask
from plait.data import DataSets, Disjoint, InMemory, batches_of
from plait.runs import Coverage, EventLog, Warned
from plait.runs.coverage import few_labels
from plait.tasks import BaseTask
from plait.tasks.labels import ClassLabels

MOST_CLASSES = 20  # that are counted one by one


class LabelCoverage:
    """Counts the rows with a label of each task, and the labels of each class.

    A row is an example. It has a label of a task if one of its labels is there and weighs more than
    0. Where inputs differ by task, each task has rows of its own.

    Args:
        tasks: `{name: task}` of the model.

    Example:
        >>> from plait.tasks import Regression
        >>> size = Regression("size")
        >>> coverage = LabelCoverage({"size": size})
        >>> labels = torch.tensor([1.0, torch.nan, 3.0])
        >>> coverage.add(Batch.of(torch.zeros(3, 2), {"size": labels}, [size]))
        >>> coverage.rows, coverage.labelled
        ({'size': 3}, {'size': 2})
    """

    def __init__(self, tasks: Mapping[str, BaseTask]) -> None:
        self._tasks = tasks
        self.rows = dict.fromkeys(tasks, 0)
        self.labelled = dict.fromkeys(tasks, 0)
        self._classes: dict[str, Tensor] = {}  # `{task: labels of each class}`

    def add(self, batch: Batch) -> None:
        """Adds the rows of a batch."""
        for part in batch.parts:
            rows = rows_of(part, self._tasks)
            for name, task in self._tasks.items():
                self.rows[name] += rows[name]
                if name not in part.targets:
                    continue
                target = part.targets[name]
                counts = task.label_weights(target, part.weights.get(name)) > 0
                self.labelled[name] += int(by_row(counts).sum())
                found = _class_counts(task, target, counts)
                if found is not None:
                    self._classes[name] = _added(self._classes.get(name), found)

    def noting(self, batches: Iterable[Any]) -> Iterator[Batch]:
        """Yields a `Batch` of each thing that a loader yields, and adds its rows."""
        for batch in batches_of(batches, self._tasks.values()):
            self.add(batch)
            yield batch

    def event(self, split: str) -> Coverage:
        """Returns the counts as an event of the log.

        Args:
            split: "train", "val" or "test".
        """
        classes = {
            name: dict(zip(_names(self._tasks[name], len(each)), each.tolist(), strict=True))
            for name, each in self._classes.items()
        }
        return Coverage(
            split=split, rows=dict(self.rows), labelled=dict(self.labelled), classes=classes
        )

    def state_dict(self) -> dict[str, Any]:
        """Returns the counts."""
        return {
            "rows": dict(self.rows),
            "labelled": dict(self.labelled),
            "classes": dict(self._classes),
        }

    @classmethod
    def added(
        cls, states: Iterable[Mapping[str, Any]], tasks: Mapping[str, BaseTask]
    ) -> LabelCoverage:
        """Returns the counts of several `state_dict`, added up."""
        whole = cls(tasks)
        for each in states:
            for name in tasks:
                whole.rows[name] += each["rows"][name]
                whole.labelled[name] += each["labelled"][name]
            for name, found in each["classes"].items():
                whole._classes[name] = _added(whole._classes.get(name), found)
        return whole


def of_table(dataset: Any, tasks: Mapping[str, BaseTask]) -> LabelCoverage | None:
    """Counts the rows of tables in memory at once; None for any other data set, even a subclass.

    Those of several tables are counted together.

    Args:
        dataset: the data set.
        tasks: `{name: task}` of the model.

    Raises:
        DataError: labels break their task's rule, or none is of a task.
    """
    coverage = LabelCoverage(tasks)
    for each in dataset.by_source.values() if isinstance(dataset, DataSets) else [dataset]:
        if type(each) is InMemory:
            inputs: Any = each.inputs
        elif type(each) is Disjoint:
            inputs = PerTask(each.inputs)
        else:
            return None
        coverage.add(Batch.of(inputs, each.targets, tasks.values()))
    return coverage


def log_coverage(coverage: Coverage, log: EventLog) -> None:
    """Writes the coverage of a split to the log, and a warning if a task has few labels there."""
    log.write(coverage)
    text = few_labels(coverage)
    if text is not None:
        log.write(Warned(step=0, text=text))


def _class_counts(task: BaseTask, target: Any, counts: Tensor) -> Tensor | None:
    """Counts the labels of each class of one label a row; of several yes-or-no labels, each's yes.

    None for numbers, for labels in space, and for too many classes.
    """
    known = isinstance(target, Tensor) and target.shape == counts.shape
    if task.kind.of == "classes" and known and counts.dim() == 1:
        classes = task.classes if isinstance(task, ClassLabels) else 0
        found = torch.bincount(target[counts].long(), minlength=classes)
    elif task.kind.of == "labels" and known and counts.numel() == len(counts):
        yes = int((target[counts] > 0).sum())
        found = torch.tensor([int(counts.sum()) - yes, yes])
    elif task.kind.of == "labels" and known and counts.dim() == 2:
        found = ((target > 0) & counts).sum(0)
    else:
        return None
    return found.cpu() if len(found) <= MOST_CLASSES else None


def _added(one: Tensor | None, two: Tensor) -> Tensor:
    """Adds counts, of which one may have seen more classes."""
    if one is None:
        return two
    total = torch.zeros(max(len(one), len(two)), dtype=torch.long)
    total[: len(one)] += one
    total[: len(two)] += two
    return total


def _names(task: BaseTask, count: int) -> list[str]:
    names = list(task.names or ())
    return names if len(names) == count else [str(number) for number in range(count)]
