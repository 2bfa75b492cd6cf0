"""The log of a step: its line, tables of the model's parts, and warnings of gates."""

from __future__ import annotations

from plait.balancing.base import LossBalancer
from plait.engine import Backward
from plait.training.log import TrainingLog
from plait.training.options import TrainerOptions
from plait.training.records import logs_cosines
from plait.training.state import State
from plait.training.step import StepRecord
from plait.training.watch import log_watched


def log_step(
    log: TrainingLog,
    record: StepRecord,
    state: State,
    backward: Backward,
    options: TrainerOptions,
    rate: float,
) -> None:
    """Adds a step to the log, which is written every `log_every` steps.

    Args:
        log: the log.
        record: of the step.
        state: where the training is after it.
        backward: has the balancer, and how often it measures gradients.
        options: of the Trainer.
        rate: learning rate of the optimizer's first group.
    """
    measured = backward.options.every
    if isinstance(backward.balancer, LossBalancer):
        measured = options.measure_every or 1
    cosines = logs_cosines(state.step, len(backward.balancer.tasks), measured)
    log.write_step(record, state, lr=rate, cosines=cosines)
    log_watched(log, state, record.watched)
    if state.step % options.log_every == 0:
        log.flush()
