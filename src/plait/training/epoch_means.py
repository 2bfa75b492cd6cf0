"""The mean loss of each task over an epoch."""

from __future__ import annotations

import numpy as np

from plait.training.device_sums import read_together
from plait.training.step import StepRecord

WAITING = 50  # steps whose numbers stay on the device before they are read


class EpochMeans:
    """Averages the tasks' losses over the labels of an epoch, sum(n L) / sum(n).

    Numbers are read from the device for many steps at once, since reading waits for it, and the
    tasks of a step are added at once.
    """

    def __init__(self) -> None:
        self._waiting: list[StepRecord] = []
        self._begin()

    def _begin(self) -> None:
        self._place: dict[str, int] = {}
        self._sums, self._labels = np.zeros(0), np.zeros(0)
        self._last: tuple[tuple[str, ...], np.ndarray] = (), np.zeros(0, dtype=np.int64)

    def add(self, record: StepRecord) -> None:
        """Adds a step."""
        self._waiting.append(record)
        if len(self._waiting) >= WAITING:
            self._read()

    def take(self) -> dict[str, float]:
        """Returns `{task: mean}` of the steps since the last call; without tasks that had none."""
        self._read()
        totals = zip(self._place, self._sums.tolist(), self._labels.tolist(), strict=True)
        means = {task: total / n for task, total, n in totals if n > 0}
        self._begin()
        return means

    def _read(self) -> None:
        records, self._waiting = self._waiting, []
        read_together(record.sums for record in records)
        for record in records:
            losses = record.sums.numbers("loss")
            places = self._places(losses.names)
            labels = np.array(losses.names.of(record.counts), dtype=np.float64)
            self._labels[places] += labels
            self._sums[places] += labels * losses.array

    def _places(self, tasks: tuple[str, ...]) -> np.ndarray:
        """Returns the places of tasks in the sums, with room for those that are new."""
        if tasks == self._last[0]:
            return self._last[1]
        for task in tasks:
            self._place.setdefault(task, len(self._place))
        new = len(self._place) - len(self._sums)
        self._sums = np.append(self._sums, np.zeros(new))
        self._labels = np.append(self._labels, np.zeros(new))
        self._last = tasks, np.array([self._place[task] for task in tasks], dtype=np.int64)
        return self._last[1]
