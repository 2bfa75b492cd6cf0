"""A trial that is worse than others were at its epoch ends."""

from __future__ import annotations

import math
from collections.abc import Callable

from plait.evaluation import Evaluation
from plait.runs.events import Ended
from plait.training import Callback, Trainer

Report = Callable[[int, float], bool]


class Pruned(Exception):
    """A trial was ended, because others were better at the same epoch.

    Args:
        epoch: its last, from 1.
        score: of that epoch.
    """

    def __init__(self, epoch: int, score: float) -> None:
        super().__init__(f"pruned after epoch {epoch}, with a score of {score:.4g}")
        self.epoch = epoch


class Pruning(Callback):
    """Reports the score of each epoch, and ends the training where it need not go on.

    Args:
        report: is told an epoch, from 1, and its score, and says whether to end.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._score = math.nan

    def on_validation_end(self, trainer: Trainer, evaluation: Evaluation, score: float) -> None:
        """Remembers the score."""
        self._score = score

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Reports the score; the last epoch is never pruned, since nothing would be saved."""
        epoch, score = trainer.state.epoch, self._score
        if not math.isfinite(score):
            return
        worse = self._report(epoch, score)
        if worse and not trainer.state.done(trainer.options):
            why = Pruned(epoch, score)
            trainer.log.write(Ended(epoch=epoch, step=trainer.state.step, text=f"{why}."))
            raise why
