"""Progress on stderr: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from plait.evaluation.evaluate import Evaluation
from plait.training.callbacks import Callback
from plait.training.step import StepRecord

if TYPE_CHECKING:
    from plait.training.trainer import Trainer

REFRESH = 0.2  # seconds between two updates of the bar's text
MOST_NUMBERS = 8  # in a line


class ProgressBar(Callback):
    """Shows the epoch, the losses of the tasks and, after each epoch, the validation metrics.

    Of many tasks, the first eight are shown.

    Args:
        label: what is trained, at the beginning of each line.
        console: where to; stderr by default.
    """

    def __init__(self, label: str = "", *, console: Console | None = None) -> None:
        self.label = label
        self.console = console or Console(stderr=True)
        self._bar: Progress | None = None
        self._shown = 0.0
        self._started = 0.0
        self._validation = ""
        self._losses: dict[str, float] = {}

    def on_train_start(self, trainer: Trainer) -> None:
        """Opens the bar."""
        self._started = time.perf_counter()
        if self.console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[losses]}", markup=False),
                console=self.console,
                transient=True,  # the lines of the epochs stay
            )
            self._bar.start()
            self._bar.add_task(
                self._title(trainer.state.epoch + 1, trainer),
                total=trainer.steps_per_epoch,
                # of a resumed epoch
                completed=-(-trainer.state.batch // trainer.options.accumulate),
                losses="",
            )

    def on_step_end(self, trainer: Trainer, record: StepRecord) -> None:
        """Moves the bar, and keeps the losses for the line of the epoch."""
        self._losses = record.losses
        if self._bar is None:
            return
        self._bar.advance(self._bar.task_ids[0])
        now = time.perf_counter()
        if now - self._shown > REFRESH:
            self._shown = now
            self._bar.update(
                self._bar.task_ids[0],
                description=self._title(trainer.state.epoch + 1, trainer),
                losses=_numbers(record.losses),
            )

    def on_validation_end(self, trainer: Trainer, evaluation: Evaluation, score: float) -> None:
        """Keeps the main metric of each task for the line of the epoch."""
        main = {
            f"{task}/{name}": value
            for task, metrics in evaluation.metrics.items()
            for name, value in list(metrics.items())[:1]
        }
        self._validation = f"  val {_numbers(main)}  score {score:.4f}"

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Prints the line of the epoch: its last losses, and its validation."""
        seconds = time.perf_counter() - self._started
        title = self._title(trainer.state.epoch, trainer)
        self.console.print(
            f"{title}  {_numbers(self._losses)}{self._validation}  {seconds:.0f} s",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
        if self._bar is not None:
            self._bar.reset(
                self._bar.task_ids[0],
                total=trainer.steps_per_epoch,
                description=self._title(trainer.state.epoch + 1, trainer),
            )

    def on_exception(self, trainer: Trainer, error: BaseException) -> None:
        """Closes the bar."""
        self._close()

    def on_train_end(self, trainer: Trainer) -> None:
        """Closes the bar."""
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _title(self, epoch: int, trainer: Trainer) -> str:
        label = f"{self.label}  " if self.label else ""
        epochs = trainer.options.epochs
        return f"{label}epoch {min(epoch, epochs)}/{epochs}"


def _numbers(values: dict[str, float]) -> str:
    shown = [f"{name} {value:.4g}" for name, value in islice(values.items(), MOST_NUMBERS)]
    more = len(values) - len(shown)
    return "  ".join([*shown, f"and {more} more"] if more else shown)
