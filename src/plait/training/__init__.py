"""Training: one step, and the Trainer around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    from plait.training.best import BestWeights
    from plait.training.callbacks import Callback
    from plait.training.groups import parameter_groups
    from plait.training.interrupt import Interrupted
    from plait.training.joined import Joining, join_heads
    from plait.training.loop_log import Log
    from plait.training.progress import ProgressBar
    from plait.training.state import State
    from plait.training.step import StepRecord, training_step
    from plait.training.trainer import Trainer
    from plait.training.virtual_step import virtual_step
    from plait.training.windows import steps_per_epoch

__all__ = [
    "BestWeights",
    "Callback",
    "Interrupted",
    "Joining",
    "Log",
    "ProgressBar",
    "State",
    "StepRecord",
    "Trainer",
    "join_heads",
    "parameter_groups",
    "steps_per_epoch",
    "training_step",
    "virtual_step",
]

lazy(__name__)
