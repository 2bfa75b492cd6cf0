"""Hooks into training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from plait.evaluation.evaluator import Evaluation
from plait.training.step import StepRecord

if TYPE_CHECKING:
    from plait.training.trainer import Trainer


class Callback:
    """Hooks that the Trainer calls; override those you need. An exception in one ends the run."""

    def on_train_start(self, trainer: Trainer) -> None:
        """Called before the first step of `fit`, also of a resumed one.

        Units are known by then, and what it sets in the model is what is evaluated as epoch 0.
        """

    def on_step_end(self, trainer: Trainer, record: StepRecord) -> None:
        """Called after each optimizer step; `record` says what it did."""

    def on_first_steps(self, trainer: Trainer, line: str) -> None:
        """Called for each line that the check of the first steps has to say; mostly two."""

    def on_validation_end(self, trainer: Trainer, evaluation: Evaluation, score: float) -> None:
        """Called after each evaluation; `score` is that of the rule, higher is better.

        Also after that of the weights before the first step (epoch 0), where they count.
        """

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Called after each epoch and its evaluation, before its checkpoint."""

    def on_save(self, trainer: Trainer, path: Path) -> None:
        """Called after a checkpoint was written to `path`; with `async_save` it is on its way."""

    def on_exception(self, trainer: Trainer, error: BaseException) -> None:
        """Called before an error or an interruption leaves `fit`."""

    def on_train_end(self, trainer: Trainer) -> None:
        """Called after the last epoch, when the model has its best weights again."""
