"""Steps and evaluations as events of the log."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from plait.core.lazy_values import names_of
from plait.core.numbers import Numbers
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
    record: StepRecord,
    names: tuple[str, ...],
    *,
    step: int,
    epoch: int,
    lr: float,
    seconds: float,
    cosines: bool = True,
) -> Step:
    """Returns the event of one step; of a skipped one, losses that are not finite are left out.

    Args:
        record: of the step.
        names: of all tasks, in the order of the log.
        step: its number, from 1.
        epoch: epochs that were finished before it, from 0.
        lr: learning rate of the optimizer's first group.
        seconds: spent in training and evaluation so far.
        cosines: whether the event has them.
    """
    where: dict[str, Any] = {"step": step, "epoch": epoch, "lr": lr, "seconds": seconds}
    losses = record.sums.numbers("loss")
    if record.skipped is not None:
        finite = np.where(np.isfinite(losses.array), losses.array, np.nan)
        row, norm = _row(names, Numbers(losses.names, finite)), record.gradient_norm
        return Step(losses=row, gradient_norm=norm, skipped=record.skipped, **where)
    balance = record.balance
    assert balance is not None
    labelled = len(losses)
    return Step(
        losses=_row(names, losses),
        gradient_norm=record.gradient_norm,
        flag=balance.flag,
        weights=_of_tasks(names, balance.tasks, balance.weights, labelled),
        terms=record.terms,
        norms=_of_tasks(names, balance.tasks, balance.norms, labelled),
        cosines=_pairs(names, balance) if cosines else [],
        shares=_row(names, record.shares) if record.shares else [],
        **where,
    )


def _row(names: tuple[str, ...], values: Mapping[str, float]) -> list[float | None]:
    """Returns the numbers of all tasks; NaN for those that are not there."""
    if isinstance(values, Numbers):
        if values.names == names:
            row: list[float | None] = values.array.tolist()
            return row
        values = values.plain()
    return [values.get(name, math.nan) for name in names]


def _of_tasks(
    names: tuple[str, ...], tasks: tuple[str, ...], values: np.ndarray | None, labelled: int
) -> list[float | None] | float:
    """Returns the numbers of some tasks as a row, or as one if all with a label have the same."""
    if values is None:
        return []
    if 0 < labelled == len(tasks) and bool((values == values[0]).all()):
        return float(values[0])
    return _row(names, Numbers(names_of(tasks), values))


def _pairs(names: tuple[str, ...], balance: Record) -> list[float | None]:
    """Returns the cosines of all pairs of tasks, in the order of `StepColumns.pairs`."""
    if balance.cosines is None or len(balance.tasks) < 2:
        return []
    table = np.full((len(names), len(names)), np.nan)
    place = {name: i for i, name in enumerate(names)}
    there = [place[task] for task in balance.tasks]
    table[np.ix_(there, there)] = balance.cosines
    pairs: list[float | None] = table[np.triu_indices(len(names), 1)].tolist()
    return pairs


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
