"""Statistics of the training labels, task by task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor

from plait.core.batch import Batch, Part
from plait.core.errors import ConfigError, DataError
from plait.core.label_counts import counts_columns
from plait.core.label_table import LabelTable, below
from plait.core.numbers import added
from plait.data import DataSets, batches_of
from plait.distributed import ranks
from plait.runs import Coverage, EventLog
from plait.tasks import BaseTask
from plait.training.coverage import LabelCoverage, log_coverage, of_table
from plait.training.feed import Feed

MOST_APART = 256  # summaries of batches, before they are merged
MOST_WAITING = 2**22  # labels in tables, before they are summarised
NOTHING: dict[str, Any] = {"masses": {}, "summaries": {}, "foreign": [], "counted": None}


class LabelStatistics:
    """Adds up the labels of the first epoch: for constant predictors, and to miss none.

    The rows with a label are counted as well: ahead in tables in memory, else in that epoch.

    Args:
        tasks: `{name: task}` of the model.

    Attributes:
        masses: `{task: mass of its valid labels}`; without the tasks that had none so far.
        foreign: names of the labels that belong to no task, in the order in which they came.
        coverage: `{split: rows with a label}` of the splits where they are known.
        whole: whether all labels of an epoch were read, before the first step.
    """

    def __init__(self, tasks: Mapping[str, BaseTask]) -> None:
        self._tasks = tasks
        self.masses: dict[str, float] = {}
        self._summaries: dict[str, list[Tensor]] = {}
        self._waiting: list[LabelTable] = []  # to be summarised, many batches at once
        self._size = 0  # labels in them
        self._together = {name for name, task in tasks.items() if counts_columns(task)}
        self.foreign: dict[str, None] = {}
        self.coverage: dict[str, Coverage] = {}
        self._counted: LabelCoverage | None = LabelCoverage(tasks)  # None once it is logged
        self.whole = False
        self._apart = False  # whether the other processes have parts of their own

    def read(self, feed: Feed) -> None:
        """Adds all labels of the first epoch, before its first step.

        Raises:
            ConfigError: the training data are a stream.
        """
        if feed.streams:
            raise ConfigError(
                "`start_counts` reads the labels of an epoch before the first step, and the "
                "training data are a stream. Leave it out."
            )
        self.add(batches_of(feed.ahead(0), self._tasks.values()))
        self.whole = True
        self.share()

    def add(self, batches: Iterable[Batch]) -> None:
        """Adds the labels of some batches; in several processes, this one's parts of them."""
        self._apart = self._apart or not ranks().alone
        for batch in batches:
            if self._counted is not None:
                self._counted.add(batch)
            self._add(batch.parts)

    def _add(self, parts: Iterable[Part]) -> None:
        for part in parts:
            self.foreign |= dict.fromkeys(part.foreign)
            for name, count in part.counts.items():
                self.masses[name] = self.masses.get(name, 0.0) + count
            targets = part.targets
            if isinstance(targets, LabelTable) and not part.weights:
                together = targets.only([name for name in targets if name in self._together])
                if together:
                    self._waiting.append(together)
                    self._size += together.size
                    if self._size > MOST_WAITING:
                        self._summarise_waiting()
                targets = {name: targets[name] for name in targets if name not in self._together}
            for name, target in targets.items():
                self._summarise(name, target, part.weights.get(name))

    def _summarise_waiting(self) -> None:
        """Summarises the labels that wait, task by task."""
        for name, labels in below(self._waiting):
            self._summarise(name, labels)
        self._waiting, self._size = [], 0

    def _summarise(self, name: str, target: Any, weights: Tensor | None = None) -> None:
        found = self._tasks[name].summarise(target, weights)
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
        self._summarise_waiting()
        return {name: self._tasks[name].merge(known) for name, known in self._summaries.items()}

    def count_ahead(self, dataset: Any) -> bool:
        """Counts the rows of training tables in memory; returns whether `dataset` is one.

        Raises:
            DataError: a task has no label in it, or labels break their task's rule.
        """
        found = of_table(dataset, self._tasks)
        if found is None:
            return False
        missing = [name for name, rows in found.labelled.items() if not rows]
        if missing:
            tables = dataset.by_source.values() if isinstance(dataset, DataSets) else [dataset]
            names = (str(name) for each in tables for name in each.targets)
            foreign = [name for name in dict.fromkeys(names) if name not in self._tasks]
            raise _without_label(missing, "has no valid label in the training data", foreign)
        self._counted = found
        return True

    def log_rows(self, split: str, log: EventLog) -> None:
        """Logs the rows that were counted, as those of a split, once; then counts no more."""
        if self._counted is not None:
            self.coverage[split] = self._counted.event(split)
            log_coverage(self.coverage[split], log)
            self._counted = None

    def share(self) -> None:
        """Adds what the other processes have read, each its part of the data."""
        if self._apart:
            self._take(merged(ranks().gather(self._state()), self._tasks))

    def complete(self) -> bool:
        """Returns whether each task had a label, in any of the processes."""
        return all(
            mass > 0 for mass in ranks().total([self.masses.get(t, 0.0) for t in self._tasks])
        )

    def stop_counting(self) -> None:
        """Forgets the rows that were counted: they are those of a part of an epoch."""
        self._counted = None

    @property
    def missing(self) -> list[str]:
        """The tasks that had no label so far."""
        return [name for name in self._tasks if name not in self.masses]

    def check(self) -> None:
        """Ends the first epoch: has what all processes have read.

        Raises:
            DataError: a task had no label at all, in any of them.
        """
        self.share()
        if self.missing:
            what = "had no valid label in the whole first epoch"
            raise _without_label(self.missing, what, self.foreign)

    def state_dict(self) -> dict[str, Any]:
        """Returns masses, summaries, foreign names, and rows that are still to be logged.

        They are those of all processes, which have to ask together.
        """
        own = self._state()
        return merged(ranks().gather(own), self._tasks) if self._apart else own

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Takes masses and summaries over from a `state_dict`; of several processes, at rank 0."""
        here = ranks()
        self._take(saved if here.first else {**NOTHING, "whole": saved["whole"]})
        self._apart = not here.alone

    def _state(self) -> dict[str, Any]:
        """Returns the state of this process."""
        self._summarise_waiting()
        return {
            "masses": dict(self.masses),
            "summaries": {name: list(known) for name, known in self._summaries.items()},
            "foreign": list(self.foreign),
            "counted": None if self._counted is None else self._counted.state_dict(),
            "whole": self.whole,
        }

    def _take(self, state: Mapping[str, Any]) -> None:
        """Has a state in place of its own."""
        self.masses = dict(state["masses"])
        self._summaries = {name: list(known) for name, known in state["summaries"].items()}
        self._waiting, self._size = [], 0
        self.foreign = dict.fromkeys(state["foreign"])
        self._counted = None
        if state["counted"] is not None:
            self._counted = LabelCoverage.added([state["counted"]], self._tasks)
        self.whole, self._apart = state["whole"], False


def merged(found: Sequence[dict[str, Any]], tasks: Mapping[str, BaseTask]) -> dict[str, Any]:
    """Returns the state of several processes together, each of which has read a part of the data.

    Args:
        found: the state of each.
        tasks: `{name: task}` of the model.
    """
    summaries: dict[str, list[Tensor]] = {}
    for each in found:
        for name, known in each["summaries"].items():
            summaries.setdefault(name, []).extend(known)
    counted = [each["counted"] for each in found if each["counted"] is not None]
    return {
        "masses": added(each["masses"] for each in found),
        "summaries": summaries,
        "foreign": list(dict.fromkeys(name for each in found for name in each["foreign"])),
        "counted": LabelCoverage.added(counted, tasks).state_dict() if counted else None,
        "whole": found[0]["whole"],
    }


def _without_label(tasks: Iterable[str], what: str, foreign: Iterable[str]) -> DataError:
    names = ", ".join(foreign)
    others = f" Labels of no task were there: {names}." if names else ""
    return DataError(
        f"task {', '.join(tasks)} {what}.{others} Check the labels' names, or leave the task out."
    )
