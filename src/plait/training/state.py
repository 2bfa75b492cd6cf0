"""The position of a training: epoch, step, best epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class State:
    """The position of a training: epoch, step, best epoch.

    Attributes:
        epoch: epochs that are finished, from 0.
        step: steps so far, those that were skipped among them.
        measured: epochs whose evaluation is done too; one less than `epoch` during it.
        batch: batches of the current epoch that are used.
        best_score: the highest score of the rule so far; minus infinity before any evaluation.
        best_epoch: the epoch (from 1) that reached it; 0 before any evaluation, and for a start
            that counts.
        best_metrics: `{task: {metric: value}}` of that epoch; empty before any evaluation.
        seconds: time spent in training and evaluation, also by earlier processes of the run.
        warned: the gates that have collapsed so far, each of which is warned of once.
        skipped: how many of the steps were not taken; the log says why.
    """

    epoch: int = 0
    step: int = 0
    measured: int = 0
    batch: int = 0
    best_score: float = float("-inf")
    best_epoch: int = 0
    best_metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    seconds: float = 0.0
    warned: list[str] = field(default_factory=list)
    skipped: int = 0

    @property
    def judged(self) -> bool:
        """Whether weights were evaluated, so that some are the best."""
        return self.best_epoch > 0 or self.best_score > float("-inf")

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

    def done(self, epochs: int, patience: int | None) -> bool:
        """Returns whether the training is over.

        Args:
            epochs: of the whole training.
            patience: epochs without a new best after which it stops early; None for never.

        Example:
            >>> State(epoch=4, best_epoch=2).done(9, patience=2)
            True
        """
        waited = self.epoch - self.best_epoch if self.judged else 0
        return self.epoch >= epochs or (patience is not None and waited >= patience)

    def improve(self, score: float, metrics: dict[str, dict[str, float]]) -> bool:
        """Returns whether a score is the highest so far; if so, its epoch becomes the best one."""
        if not score > self.best_score:
            return False
        self.best_score, self.best_epoch, self.best_metrics = score, self.epoch, metrics
        return True

    def state_dict(self) -> dict[str, Any]:
        """Returns the attributes by name."""
        return asdict(self)

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Takes the attributes over from a `state_dict`."""
        vars(self).update(saved)
