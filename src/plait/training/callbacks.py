"""Hooks into training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from plait.evaluation.evaluate import Evaluation
from plait.training.step import StepRecord

if TYPE_CHECKING:
    from plait.training.trainer import Trainer


class Callback:
    """Hooks that the Trainer calls; override those you need. An exception in one ends the run."""

    def on_train_start(self, trainer: Trainer) -> None:
        """Before the first step of `fit`, also of a resumed one."""

    def on_step_end(self, trainer: Trainer, record: StepRecord) -> None:
        """After each optimizer step."""

    def on_validation_end(self, trainer: Trainer, evaluation: Evaluation, score: float) -> None:
        """After each evaluation; `score` is that of the rule, higher is better."""

    def on_epoch_end(self, trainer: Trainer) -> None:
        """After each epoch, its evaluation included."""

    def on_save(self, trainer: Trainer, path: Path) -> None:
        """After a checkpoint was written."""

    def on_exception(self, trainer: Trainer, error: BaseException) -> None:
        """Before an error or an interruption leaves `fit`."""

    def on_train_end(self, trainer: Trainer) -> None:
        """After the last epoch."""
