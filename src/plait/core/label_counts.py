"""Counts the labels of a batch, those of like tasks in a table at once."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, Self, TypeGuard

from torch import Tensor

from plait.core.label_table import LabelTable, Layout


class CountsLabels(Protocol):
    """The side of a task that a batch needs: its name and how it counts labels."""

    @property
    def name(self) -> str:
        """The task's name."""

    def count(self, target: Any, weights: Tensor | None = None) -> float:
        """Returns the mass of the valid labels in `target`; raises `DataError` on bad labels."""


class CountsColumns(CountsLabels, Protocol):
    """A task whose labels can be counted together with those of other tasks."""

    @property
    def label_rule(self) -> Hashable | None:
        """Equal for tasks whose labels are counted together; None for a task that counts alone."""

    @classmethod
    def count_columns(cls, tasks: Sequence[Self], values: Tensor) -> Sequence[float | None]:
        """Counts `[B, T, ...]` by column; None in place of one that `count` has to look at."""


def counts_columns(task: CountsLabels) -> TypeGuard[CountsColumns]:
    """Whether the labels of a task can be counted together with those of others."""
    return getattr(task, "label_rule", None) is not None


class LabelCounts:
    """The tasks of a model, to count the labels of its batches.

    Args:
        tasks: each counts its own labels. Where these are in a `LabelTable`, tasks of one
            `label_rule` are counted with a few operations, however many they are; a column that
            breaks the rule is left to its task, which says so.
    """

    def __init__(self, tasks: Iterable[CountsLabels]) -> None:
        self.tasks = tuple(tasks)
        self._together: tuple[Layout | None, list[list[CountsColumns]]] = None, []

    def __iter__(self) -> Iterator[CountsLabels]:
        return iter(self.tasks)

    def __call__(
        self, targets: Mapping[str, Any], weights: Mapping[str, Tensor]
    ) -> dict[str, float]:
        """Returns `{task: mass of its labels}` of the tasks that have labels, in their order.

        Raises:
            DataError: labels or weights break their task's rule.
        """
        known: dict[str, float | None] = {}
        if isinstance(targets, LabelTable) and not weights:
            for tasks in self.alike(targets):
                names = [task.name for task in tasks]
                values = targets.columns(names)
                assert values is not None
                known.update(zip(names, type(tasks[0]).count_columns(tasks, values), strict=True))
        counts = {}
        for task in self.tasks:
            name = task.name
            count = known.get(name)
            if count is not None:
                counts[name] = count
            elif name in targets:
                counts[name] = task.count(targets[name], weights.get(name))
        return counts

    def alike(self, table: LabelTable) -> Sequence[Sequence[CountsColumns]]:
        """Returns the tasks that are counted together: of one rule, in one matrix of a table."""
        layout = table.layout
        known, groups = self._together
        if known is not layout:
            alike: dict[Hashable, list[CountsColumns]] = {}
            for task in self.tasks:
                if task.name in layout.place and counts_columns(task):
                    key = layout.place[task.name][0], task.label_rule
                    alike.setdefault(key, []).append(task)
            groups = list(alike.values())
            self._together = layout, groups
        return groups
