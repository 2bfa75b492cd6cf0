"""The log of a training loop of one's own."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType

import torch

from plait.core.errors import ConfigError
from plait.core.files import write_json
from plait.core.lazy_values import names_of
from plait.engine import Record
from plait.evaluation import Evaluation
from plait.runs import folder as names
from plait.runs import is_run
from plait.runs.environment import environment
from plait.runs.folder import make_folder, run_exists
from plait.training.log import TrainingLog
from plait.training.records import logs_cosines, validation_event
from plait.training.state import State
from plait.training.step import StepRecord


class Log:
    """Logs a training loop of your own, so that ``plait report FOLDER`` can draw it.

    The folder gets env.json and events.jsonl, as that of a `Trainer` does: for each step losses,
    weights, norms and cosines of the tasks' gradients, the length of the whole gradient and the
    learning rate; and the evaluations that are handed over.
    The first line names the tasks; a task that comes later, in a line of its own.

    Args:
        folder: the run folder; it is made.
        optimizer: has the learning rate, in its first group, and the parameters.
        every: steps between two writes, at least 1; 50 by default. Each waits for the device once.

    Raises:
        RunExistsError: the folder holds a run; nothing in it was touched.
        ConfigError: it cannot be made.

    Example:
        >>> import tempfile
        >>> import plait
        >>> from plait.balancing import UPGrad
        >>> layer = torch.nn.Linear(2, 2)
        >>> optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
        >>> with plait.Log(tempfile.mkdtemp(), optimizer) as log:
        ...     for epoch in range(3):
        ...         a, b = layer(torch.ones(4, 2)).square().mean(0)
        ...         optimizer.zero_grad()
        ...         record = plait.backward({"a": a, "b": b}, UPGrad(), measure=True)
        ...         optimizer.step()
        ...         log.step(record, epoch=epoch)
        >>> len((log.folder / "events.jsonl").read_text().splitlines())  # the names, three steps
        4
    """

    def __init__(
        self, folder: str | Path, optimizer: torch.optim.Optimizer, *, every: int = 50
    ) -> None:
        if every < 1:
            raise ConfigError(f"`every` of Log must be at least 1; found {every}.")
        self.folder = Path(folder)
        if is_run(self.folder):
            raise run_exists(self.folder, "Name another folder, such as one with the date.")
        make_folder(self.folder)
        write_json(self.folder / names.ENVIRONMENT, environment(torch.initial_seed()))
        self.optimizer = optimizer
        self.every = every
        self.state = State()
        self._events = TrainingLog(self.folder / names.EVENTS)
        self._began = time.monotonic()

    def step(self, record: Record, *, epoch: int = 0) -> None:
        """Adds a step; call it once `.grad` is written, and before it is set to None again.

        Args:
            record: what `plait.backward` returned.
            epoch: epochs that were finished before the step, from 0.
        """
        state = self.state
        state.step, state.epoch, state.seconds = state.step + 1, epoch, self._seconds()
        logged = StepRecord({}, record, record.skipped)
        logged.sums.add_vector("loss", names_of(record.tasks), torch.from_numpy(record.losses))
        known = set(self._events.names)
        new = [task for task in record.tasks if task not in known]
        if new:
            self._events.name(new)
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        if record.skipped is None and any(each.grad is not None for each in parameters):
            logged.sums.add(("norm", ""), record.gradient_norm(parameters))
        self._events.write_step(
            logged,
            state,
            lr=float(self.optimizer.param_groups[0]["lr"]),
            cosines=logs_cosines(state.step, len(record.tasks), 1),
        )
        if state.step % self.every == 0:
            self._events.flush()

    def evaluation(self, evaluation: Evaluation, *, score: float | None = None) -> None:
        """Adds an evaluation on the validation data, after an epoch.

        Args:
            evaluation: what `plait.evaluation.evaluate` returned.
            score: by which the best epoch is chosen, higher is better; by default minus the sum of
                the losses.
        """
        if score is None:
            score = -sum(evaluation.losses.values())
        self._events.write(
            validation_event(
                evaluation,
                epoch=self.state.epoch + 1,
                step=self.state.step,
                score=score,
                seconds=self._seconds(),
            )
        )
        self._events.flush()

    def close(self) -> None:
        """Writes what waits; a `with` block does so by itself."""
        self._events.flush()

    def __enter__(self) -> Log:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _seconds(self) -> float:
        return time.monotonic() - self._began
