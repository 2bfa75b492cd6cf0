"""The position of a training: epoch, step, best epoch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from plait.distributed import ranks
from plait.training.options import TrainerOptions


@dataclass
class State:
    """The position of a training: epoch, step, best epoch.

    Attributes:
        epoch: epochs that are finished, from 0.
        step: steps so far, those that were skipped among them.
        measured: epochs whose evaluation is done too; one less than `epoch` during it.
        batch: batches of the current epoch that are used.
        best_score: the highest score of the rule so far; minus infinity before any evaluation.
        best_epoch: the epoch that reached it, from 1; 0 if the weights before the first step did,
            where they count, and before any evaluation.
        best_metrics: `{task: {metric: value}}` of that epoch; empty before any evaluation.
        one_class: `{task: the class}` of the tasks that predicted one class only in that epoch.
        best_scores: `{task: highest score of its main metric so far}`; see `task_scores`.
        best_epochs: `{task: the epoch that reached it}`.
        own_metrics: `{task: {metric: value}}`, of each task in that epoch.
        seconds: time spent in training and evaluation, also by earlier processes of the run.
        warned: the gates that have collapsed so far, each of which is warned of once.
        skipped: how many of the steps were not taken; the log says why.
        broken: `{task: how many of them because its loss or gradient was not finite}`. A backward
            pass of a weighted sum blames all tasks that reach the parameter.
        examples: `{source: its examples so far}` of several data sets; empty with one alone.
        labels: `{task: mass of its labels so far}` likewise.
        ended: why the training ended, if there is something to say of it; see
            `plait.training.ending`.
    """

    epoch: int = 0
    step: int = 0
    measured: int = 0
    batch: int = 0
    best_score: float = -math.inf
    best_epoch: int = 0
    best_metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    one_class: dict[str, str] = field(default_factory=dict)
    best_scores: dict[str, float] = field(default_factory=dict)
    best_epochs: dict[str, int] = field(default_factory=dict)
    own_metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    seconds: float = 0.0
    warned: list[str] = field(default_factory=list)
    skipped: int = 0
    broken: dict[str, int] = field(default_factory=dict)
    examples: dict[str, int] = field(default_factory=dict)
    labels: dict[str, float] = field(default_factory=dict)
    ended: str = ""

    @property
    def judged(self) -> bool:
        """Whether weights were evaluated, so that some are the best."""
        return self.best_epoch > 0 or self.best_score > -math.inf

    def progress(self, epochs: int, steps_per_epoch: int | None) -> float:
        """Returns the share of the training that is done, 0 to 1.

        Args:
            epochs: of the whole training.
            steps_per_epoch: optimizer steps in each; None counts whole epochs.

        Example:
            >>> State(epoch=1, step=15).progress(2, 10), State(epoch=1).progress(4, None)
            (0.75, 0.25)
        """
        total = epochs * (steps_per_epoch or 0)
        return self.step / total if total else self.epoch / epochs

    @property
    def waited(self) -> int:
        """The epochs since the best one; 0 before any evaluation."""
        return self.epoch - self.best_epoch if self.judged else 0

    def spend(self, seconds: float, minutes: float | None) -> None:
        """Moves the clock on; where `minutes` are set, alike in all processes."""
        self.seconds += seconds
        if minutes is not None:
            self.seconds = ranks().highest(self.seconds)

    def spent(self, minutes: float | None) -> bool:
        """Returns whether training and evaluation took so many minutes; never of None."""
        return minutes is not None and self.seconds >= 60 * minutes

    def done(self, options: TrainerOptions) -> bool:
        """Returns whether the training is over: by its epochs, its patience, or its minutes.

        Example:
            >>> state = State(epoch=4, best_epoch=2, best_score=0.5)
            >>> state.done(TrainerOptions(epochs=9, patience=2))
            True
        """
        waited = options.patience is not None and self.waited >= options.patience
        return self.epoch >= options.epochs or waited or self.spent(options.minutes)

    def improve(self, score: float, metrics: dict[str, dict[str, float]]) -> bool:
        """Returns whether a score is the highest so far; if so, its epoch becomes the best one."""
        if not score > self.best_score:
            return False
        self.best_score, self.best_epoch, self.best_metrics = score, self.epoch, metrics
        return True

    def improve_tasks(
        self, scores: Mapping[str, float], metrics: Mapping[str, dict[str, float]]
    ) -> list[str]:
        """Returns the tasks whose scores are the highest so far; the epoch becomes their best."""
        found = [t for t, score in scores.items() if score > self.best_scores.get(t, -math.inf)]
        self.best_scores |= {task: scores[task] for task in found}
        self.best_epochs |= dict.fromkeys(found, self.epoch)
        self.own_metrics |= {task: metrics.get(task, {}) for task in found}
        return found

    def count_skipped(self, skipped: str | None, broken: Iterable[str]) -> None:
        """Counts a step that is not taken, if there is a reason, and the tasks that are it."""
        self.skipped += skipped is not None
        for task in broken:
            self.broken[task] = self.broken.get(task, 0) + 1

    def state_dict(self) -> dict[str, Any]:
        """Returns the attributes by name."""
        return asdict(self)

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Takes the attributes over from a `state_dict`."""
        vars(self).update(saved)
