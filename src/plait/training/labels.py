"""Statistics of the labels of the first epoch, task by task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

from plait.core.batch import Batch
from plait.core.errors import DataError
from plait.tasks import BaseTask

MOST_APART = 256  # summaries of batches, before they are merged


class LabelStatistics:
    """Adds up the labels of the first epoch: for constant predictors, and to miss none.

    Args:
        tasks: `{name: task}` of the model.

    Attributes:
        masses: `{task: mass of its valid labels}`; without the tasks that had none so far.
        foreign: names of the labels that belong to no task, in the order in which they came.
    """

    def __init__(self, tasks: Mapping[str, BaseTask]) -> None:
        self._tasks = tasks
        self.masses: dict[str, float] = {}
        self._summaries: dict[str, list[Tensor]] = {}
        self.foreign: dict[str, None] = {}

    def add(self, batches: Iterable[Batch]) -> None:
        """Adds the labels of some batches."""
        for part in (part for batch in batches for part in batch.parts):
            self.foreign |= dict.fromkeys(part.foreign)
            for name, target in part.targets.items():
                self.masses[name] = self.masses.get(name, 0.0) + part.counts[name]
                found = self._tasks[name].summarise(target, part.weights.get(name))
                if found is not None:
                    known = self._summaries.setdefault(name, [])
                    known.append(found)
                    if len(known) == MOST_APART:
                        known[:] = [self._tasks[name].merge(known)]

    @property
    def statistics(self) -> dict[str, Tensor]:
        """`{task: summary of its labels}`, from which the best constant prediction follows.

        Without tasks that have no such prediction.
        """
        return {name: self._tasks[name].merge(known) for name, known in self._summaries.items()}

    def check(self) -> None:
        """Raises `DataError` if a task had no label at all."""
        missing = [name for name in self._tasks if name not in self.masses]
        if missing:
            others = ""
            if self.foreign:
                others = f" Labels of no task were there: {', '.join(self.foreign)}."
            raise DataError(
                f"task {', '.join(missing)} had no valid label in the whole first epoch.{others} "
                "Check the labels' names, or leave the task out."
            )

    def state_dict(self) -> dict[str, Any]:
        """Returns masses, summaries and foreign names."""
        return {
            "masses": dict(self.masses),
            "summaries": {name: list(known) for name, known in self._summaries.items()},
            "foreign": list(self.foreign),
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Takes masses and summaries over from a `state_dict`."""
        self.masses = dict(saved["masses"])
        self._summaries = {name: list(known) for name, known in saved["summaries"].items()}
        self.foreign = dict.fromkeys(saved["foreign"])
