"""Tasks with examples of their own: disjoint tables, batched task by task."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from plait.core.errors import DataError, unknown
from plait.core.structure import PerTask
from plait.data.in_memory import InMemory

Tables = tuple[PerTask, dict[str, Tensor]]


class Disjoint(Dataset[Tables]):
    """A data set in memory in which every example belongs to exactly one task.

    An item is a table for each task, ``(PerTask({task: inputs}), {task: labels})``: one row in the
    table of the example's task, and none in the others. `collate` joins the tables of several
    items, so that a batch has all tasks, some of them perhaps with an empty table, and a network
    reads the examples of its own task alone. A task without a row is absent from the step.

    Args:
        inputs: `{task: inputs [N_t, ...]}`; shapes may differ by task.
        targets: `{task: labels [N_t, ...]}`, of the same tasks.

    Raises:
        DataError: there is no task, a task has no labels, or not as many as examples.

    Example:
        >>> data = Disjoint(
        ...     {"a": torch.zeros(2, 3), "b": torch.ones(4, 3)},
        ...     {"a": torch.zeros(2), "b": torch.arange(4.0)},
        ... )
        >>> data[5][1]
        {'a': tensor([]), 'b': tensor([3.])}
    """

    def __init__(self, inputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> None:
        if not inputs:
            raise DataError("a data set of disjoint tables must have a task; found none.")
        for task in {**inputs, **targets}:
            examples, labels = (len(each.get(task, ())) for each in (inputs, targets))
            if examples != labels:
                raise DataError(
                    f"task {task!r} must have one label for each example; found {labels} labels "
                    f"for {examples} examples. Do both dicts have this task?"
                )
        self.inputs = dict(inputs)
        self.targets = {task: targets[task] for task in inputs}
        sizes = torch.tensor([len(table) for table in inputs.values()])
        self._ends = sizes.cumsum(0)
        self._starts = (self._ends - sizes).tolist()

    def only(self, tasks: Collection[str]) -> Disjoint:
        """Returns the data set of some of the tasks, in the order of this one.

        Raises:
            DataError: one of them is unknown.
        """
        for task in tasks:
            if task not in self.inputs:
                raise DataError(unknown("table of task", task, self.inputs))
        return Disjoint(
            {task: table for task, table in self.inputs.items() if task in tasks},
            {task: labels for task, labels in self.targets.items() if task in tasks},
        )

    def pooled(self) -> InMemory:
        """Returns all examples as one table, in which each has a label of its own task alone.

        A network then runs once for a batch of all tasks, and not once for each task, and
        `plait.backward` can tell the gradients of the tasks apart in one pass (`route="labels"`).

        Raises:
            DataError: inputs differ in shape by task; labels are no floating-point numbers, so that
                NaN cannot say that one is missing.
        """
        shapes = {tuple(table.shape[1:]) for table in self.inputs.values()}
        whole = [t for t, labels in self.targets.items() if not labels.is_floating_point()]
        if len(shapes) > 1 or whole:
            found = f"labels of {whole[0]!r} in {self.targets[whole[0]].dtype}" if whole else shapes
            raise DataError(
                "tables are pooled where inputs have one shape and labels are floating-point "
                f"numbers, in which NaN is missing; found {found}."
            )
        targets = {}
        for task, end, labels in zip(
            self.targets, self._ends.tolist(), self.targets.values(), strict=True
        ):
            column = labels.new_full((len(self), *labels.shape[1:]), torch.nan)
            column[end - len(labels) : end] = labels
            targets[task] = column
        return InMemory(join(list(self.inputs.values())), targets)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: int) -> Tables:
        # A range makes -1 the last index, and refuses one beyond the end
        return self._tables([range(len(self))[index]])

    def __getitems__(self, indices: Sequence[int]) -> list[Tables]:
        """Returns a batch as one item; a loader of torch asks for it, since it is faster."""
        return [self._tables(indices)] if len(indices) else []

    def _tables(self, indices: Sequence[int]) -> Tables:
        places = torch.tensor(indices)
        owners = torch.searchsorted(self._ends, places, right=True)
        sizes = torch.bincount(owners, minlength=len(self._ends)).tolist()
        rows = torch.split(places[owners.argsort(stable=True)], sizes)
        chosen = {
            task: each - start
            for task, each, start in zip(self.inputs, rows, self._starts, strict=True)
        }
        return (
            PerTask({task: self.inputs[task][each] for task, each in chosen.items()}),
            {task: self.targets[task][each] for task, each in chosen.items()},
        )


def of_tasks(dataset: Dataset[Any], tasks: Collection[str]) -> Dataset[Any]:
    """Leaves out the examples that belong to other tasks.

    Those are the other tasks' tables of a `Disjoint`; any other data set is returned as it is.
    """
    return dataset.only(tasks) if isinstance(dataset, Disjoint) else dataset


def join(tables: Sequence[Tensor]) -> Tensor:
    """Puts the rows of tables below each other."""
    return tables[0] if len(tables) == 1 else torch.cat(list(tables))
