"""Progress on stderr: a bar on a terminal, and a line for each epoch everywhere."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from plait.distributed import ranks
from plait.evaluation.evaluator import Evaluation
from plait.runs.coverage import few_labels, partly_labelled
from plait.runs.one_class import only_one
from plait.training.callbacks import Callback
from plait.training.epoch_means import EpochMeans
from plait.training.epoch_table import EpochTable
from plait.training.joined import Joining
from plait.training.labels import LabelStatistics
from plait.training.mixture_log import MixtureLog
from plait.training.options import TrainerOptions
from plait.training.state import State
from plait.training.step import StepRecord

REFRESH = 0.2  # seconds between two updates of the bar's text
MOST_NUMBERS = 8  # beside the bar


class Training(Protocol):
    """The parts of a Trainer that are shown.

    Attributes:
        options: those of the Trainer.
        state: where the training is.
        steps_per_epoch: optimizer steps of an epoch; None for a stream.
        labels: which rows have a label, once it is known.
        mixture: how several data sets are mixed.
        heads: which of them are joined.
    """

    options: TrainerOptions
    state: State
    steps_per_epoch: int | None
    labels: LabelStatistics
    mixture: MixtureLog
    heads: Joining


class ProgressBar(Callback):
    """Shows a bar for the running epoch and a table of the finished ones.

    A line of the table has the mean loss of each task over the epoch, its first metric on the
    validation data, and the score of the rule that chooses the best epoch. As many tasks are shown
    as the console is wide, eight at most; of more than 32 tasks, the worst, the median and the
    best. The Trainer has one unless `progress=False`.

    Before the table stands how several data sets are mixed, how many heads are one block, which
    tasks are labelled in some of the training rows only, and which have few labels; not where a
    label says that this is one training of several.

    Args:
        label: what is trained, above the table.
        console: where to; stderr by default.
    """

    def __init__(self, label: str = "", *, console: Console | None = None) -> None:
        self.label = label
        self.console = console or Console(stderr=True)
        self._bar: Progress | None = None
        self._shown = 0.0
        self._started = 0.0
        self._measured: tuple[Evaluation, float] | None = None
        self._means = EpochMeans()
        self._table = EpochTable(self.console, label)
        self._said: set[str] = set()  # the splits whose labels were told

    def on_train_start(self, trainer: Training) -> None:
        """Opens the bar."""
        self._started = time.perf_counter()
        self._means, self._table = EpochMeans(), EpochTable(self.console, self.label)
        self._said.clear()
        for line in [] if self.label else [*trainer.mixture.lines, *trainer.heads.lines]:
            self.console.print(Text(line), soft_wrap=True)
        self._tell_labels(trainer)
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

    def on_step_end(self, trainer: Training, record: StepRecord) -> None:
        """Moves the bar, and adds the losses to the means of the epoch."""
        self._means.add(record)
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

    def on_first_steps(self, trainer: Training, line: str) -> None:
        """Prints what the check of the first steps has found."""
        if not self.label:
            self.console.print(Text(line), soft_wrap=True)

    def on_validation_end(self, trainer: Training, evaluation: Evaluation, score: float) -> None:
        """Keeps the metrics for the line of the epoch."""
        self._measured = evaluation, score
        if trainer.state.epoch == 0:
            self._line(trainer)

    def on_epoch_end(self, trainer: Training) -> None:
        """Prints the line of the epoch: its mean losses, and its validation."""
        self._tell_labels(trainer)
        if trainer.mixture.ended and not self.label:
            self.console.print(Text(trainer.mixture.ended), soft_wrap=True)
        self._line(trainer)
        if self._bar is not None:
            self._bar.reset(
                self._bar.task_ids[0],
                total=trainer.steps_per_epoch,
                description=self._title(trainer.state.epoch + 1, trainer),
            )

    def _line(self, trainer: Training) -> None:
        evaluation, score = self._measured or (None, None)
        rule = trainer.options.rule if isinstance(trainer.options.rule, str) else "rule"
        self._table.add(
            f"{trainer.state.epoch}/{trainer.options.epochs}",
            time.perf_counter() - self._started,
            self._means.take(),
            evaluation,
            None if score is None else (rule, score),
        )

    def on_exception(self, trainer: Training, error: BaseException) -> None:
        """Closes the bar."""
        self._close()

    def on_train_end(self, trainer: Training) -> None:
        """Closes the bar, and says what is odd of the best epoch, and why the training ended."""
        self._close()
        for text in filter(None, (only_one(trainer.state.one_class), trainer.state.ended)):
            self.console.print(Text(text), soft_wrap=True)

    def _tell_labels(self, trainer: Training) -> None:
        """Prints which tasks are partly labelled in training, and which have few labels."""
        known = {} if self.label else trainer.labels.coverage
        for split, coverage in known.items():
            if split in self._said:
                continue
            self._said.add(split)
            partly = partly_labelled(coverage) if split == "train" else None
            for text in filter(None, (partly, few_labels(coverage))):
                self.console.print(Text(text), soft_wrap=True)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _title(self, epoch: int, trainer: Training) -> str:
        label = f"{self.label}  " if self.label else ""
        epochs = trainer.options.epochs
        return f"{label}epoch {min(epoch, epochs)}/{epochs}"


def with_progress(callbacks: Sequence[Callback]) -> list[Callback]:
    """Returns the callbacks, at rank 0 with a `ProgressBar` before them if there is none yet."""
    shown = not ranks().first or any(isinstance(each, ProgressBar) for each in callbacks)
    return [*callbacks] if shown else [ProgressBar(), *callbacks]


def _numbers(values: Mapping[str, float]) -> str:
    shown = [f"{name} {value:.4g}" for name, value in islice(values.items(), MOST_NUMBERS)]
    more = len(values) - len(shown)
    return "  ".join([*shown, f"and {more} more"] if more else shown)
