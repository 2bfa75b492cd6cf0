"""Steps and evaluations as events of the log."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plait.engine import Record
from plait.evaluation.evaluator import Evaluation
from plait.runs.events import FinalTest, Step, Validation
from plait.training.step import StepRecord

MOST_PAIRS = 500  # of tasks in a step, on average; 100 tasks have 4,950


def logs_cosines(step: int, tasks: int, period: int) -> bool:
    """Returns whether the log has the cosines of a step; with up to 32 tasks it has those of all.

    The number of pairs grows with the square of that of the tasks, and so would the log. It depends
    on the step alone, so that a resumed run has the same log.

    Args:
        step: number of the step, from 1.
        tasks: number of tasks.
        period: steps from one whose gradients are measured to the next.

    Example:
        >>> [step for step in range(1, 60) if logs_cosines(step, tasks=139, period=1)]
        [1, 21, 41]
        >>> [step for step in range(7, 60, 7) if logs_cosines(step, tasks=139, period=7)]
        [7, 21, 42]
    """
    pairs = tasks * (tasks - 1) // 2
    return (step - 1) % max(-(-pairs // MOST_PAIRS), 1) < period


def step_event(
    record: StepRecord, *, step: int, epoch: int, lr: float, seconds: float, cosines: bool = True
) -> Step:
    """Returns the event of one step; of a skipped one, losses that are not finite are None.

    Args:
        record: of the step.
        step: its number, from 1.
        epoch: epochs that were finished before it, from 0.
        lr: learning rate of the optimizer's first group.
        seconds: spent in training and evaluation so far.
        cosines: whether the event has them.
    """
    where: dict[str, Any] = {"step": step, "epoch": epoch, "lr": lr, "seconds": seconds}
    if record.skipped is not None:
        losses = {n: v if math.isfinite(v) else None for n, v in record.losses.items()}
        norm = record.gradient_norm
        return Step(losses=losses, gradient_norm=norm, skipped=record.skipped, **where)
    balance = record.balance
    assert balance is not None
    return Step(
        losses=dict(record.losses),
        gradient_norm=record.gradient_norm,
        flag=balance.flag,
        weights=_by_task(balance.tasks, balance.weights),
        terms=record.terms,
        norms=_by_task(balance.tasks, balance.norms),
        cosines=_pairs(balance) if cosines else [],
        shares=record.shares,
        **where,
    )


def _by_task(tasks: Sequence[str], values: np.ndarray | None) -> dict[str, float]:
    return {} if values is None else dict(zip(tasks, values.tolist(), strict=True))


def _pairs(balance: Record) -> list[tuple[str, str, float]]:
    if balance.cosines is None:
        return []
    return [
        (first, second, float(balance.cosines[i, j]))
        for i, first in enumerate(balance.tasks)
        for j, second in enumerate(balance.tasks)
        if i < j
    ]


def validation_event(
    evaluation: Evaluation,
    *,
    epoch: int,
    step: int,
    score: float,
    seconds: float,
    best_epochs: Mapping[str, int] | None = None,
) -> Validation:
    """Returns the event of an evaluation on the validation data.

    Args:
        evaluation: losses and metrics.
        epoch: epochs that are finished; 0 before the first step.
        step: optimizer steps taken.
        score: that of the rule for the best epoch.
        seconds: spent in training and evaluation so far.
        best_epochs: `{task: the best epoch by its own main metric}`; None if nobody knows.
    """
    return Validation(
        epoch=epoch,
        step=step,
        score=score,
        seconds=seconds,
        best_epochs=dict(best_epochs or {}),
        **vars(evaluation),
    )


def test_event(evaluation: Evaluation) -> FinalTest:
    """Returns the event of the evaluation on the test data."""
    return FinalTest(**vars(evaluation))
