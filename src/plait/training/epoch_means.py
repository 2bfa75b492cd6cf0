"""The mean loss of each task over an epoch."""

from __future__ import annotations

from plait.training.device_sums import read_together
from plait.training.step import StepRecord

WAITING = 50  # steps whose numbers stay on the device before they are read


class EpochMeans:
    """Averages the tasks' losses over the labels of an epoch, sum(n L) / sum(n).

    Numbers are read from the device for many steps at once, since reading waits for it.
    """

    def __init__(self) -> None:
        self._waiting: list[StepRecord] = []
        self._sums: dict[str, float] = {}
        self._labels: dict[str, float] = {}

    def add(self, record: StepRecord) -> None:
        """Adds a step."""
        self._waiting.append(record)
        if len(self._waiting) >= WAITING:
            self._read()

    def take(self) -> dict[str, float]:
        """Returns `{task: mean}` of the steps since the last call; without tasks that had none."""
        self._read()
        means = {task: self._sums[task] / n for task, n in self._labels.items() if n > 0}
        self._sums, self._labels = {}, {}
        return means

    def _read(self) -> None:
        records, self._waiting = self._waiting, []
        read_together(record.sums for record in records)
        for record in records:
            for task, loss in record.losses.items():
                labels = record.counts[task]
                self._sums[task] = self._sums.get(task, 0.0) + labels * loss
                self._labels[task] = self._labels.get(task, 0.0) + labels
