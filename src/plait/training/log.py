"""The log of a training: an entry for each step, copied from the device when it is written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from plait.distributed import ranks
from plait.evaluation.evaluator import Evaluation
from plait.runs import EventLog, Step, Tasks
from plait.runs.events import Event
from plait.training.device_sums import read_together
from plait.training.records import step_event, validation_event
from plait.training.state import State
from plait.training.step import StepRecord


class Waiting(NamedTuple):
    """A step whose numbers are still on the device; the fields are those of `step_event`."""

    record: StepRecord
    names: tuple[str, ...]
    step: int
    epoch: int
    lr: float
    seconds: float
    cosines: bool

    def event(self) -> Step:
        """Returns the event of the step."""
        return step_event(
            self.record,
            self.names,
            step=self.step,
            epoch=self.epoch,
            lr=self.lr,
            seconds=self.seconds,
            cosines=self.cosines,
        )


class TrainingLog(EventLog):
    """`events.jsonl`, whose steps wait as tensors until `flush`.

    Args:
        path: the file, which rank 0 writes; None keeps nothing.
        tasks: the names of the tasks, which the first line has; more can be added by `name`.

    Attributes:
        names: those of the tasks that the log has so far.
    """

    def __init__(self, path: Path | None, tasks: Sequence[str] = ()) -> None:
        super().__init__(path if ranks().first else None)
        self._queue: list[Event | Waiting] = []
        self.names: tuple[str, ...] = ()
        if tasks:
            self.name(tasks)

    def name(self, tasks: Sequence[str]) -> None:
        """Adds names of tasks to the known ones, and a line that has all of them."""
        self.names += tuple(tasks)
        self.write(Tasks(names=list(self.names)))

    def write_step(
        self, record: StepRecord, state: State, *, lr: float, cosines: bool = True
    ) -> None:
        """Adds the line of a step.

        Args:
            record: of the step.
            state: where the training is after it.
            lr: learning rate of the optimizer's first group.
            cosines: whether the line has those between the tasks' gradients.
        """
        if self.path is not None:
            where = state.step, state.epoch, lr, round(state.seconds, 3)
            self._queue.append(Waiting(record, self.names, *where, cosines))

    def write_evaluation(self, evaluation: Evaluation, state: State, *, score: float) -> None:
        """Adds the line of an evaluation on the validation data.

        Args:
            evaluation: losses and metrics.
            state: where the training is, with the best epochs so far.
            score: by the rule that picks the best epoch.
        """
        self.write(
            validation_event(
                evaluation,
                epoch=state.epoch,
                step=state.step,
                score=score,
                seconds=round(state.seconds, 3),
                best_epochs=state.best_epochs,
            )
        )

    def write(self, event: Event) -> None:
        """Adds the line of an event, after those of the steps before it."""
        if self.path is not None:
            self._queue.append(event)

    def flush(self) -> int:
        """Writes the waiting lines, with one copy from the device; returns the size in bytes."""
        queue, self._queue = self._queue, []
        read_together(each.record.sums for each in queue if isinstance(each, Waiting))
        for each in queue:
            super().write(each.event() if isinstance(each, Waiting) else each)
        return super().flush()

    def truncate(self, size: int) -> None:
        """Cuts the file back to `size` bytes; what waits is forgotten."""
        self._queue.clear()
        super().truncate(size)
