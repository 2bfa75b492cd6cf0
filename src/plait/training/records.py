"""Steps and evaluations as lines of `events.jsonl`."""

from __future__ import annotations

import math
from typing import Any

from plait.evaluation.evaluate import Evaluation
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


def step_event(record: StepRecord, *, cosines: bool = True) -> dict[str, Any]:
    """Returns the values of one step by name.

    `losses` are before static weights; `weights` are what each task's gradient counted; `terms` are
    ``[term, strength x term]``; `cosines` are ``[task, task, cosine]`` for each pair; `skipped`
    says why the step was not taken, with null for a loss that is not finite.

    Args:
        record: of the step.
        cosines: whether they are among them.
    """
    balance = record.balance
    event: dict[str, Any] = {"losses": record.losses, "gradient_norm": record.gradient_norm}
    if record.skipped is not None:
        event["skipped"] = record.skipped
        event["losses"] = {n: v if math.isfinite(v) else None for n, v in record.losses.items()}
        return event
    assert balance is not None
    if balance.flag is not None:
        event["flag"] = balance.flag
    if balance.weights is not None:
        event["weights"] = dict(zip(balance.tasks, balance.weights.tolist(), strict=True))
    if record.terms:
        event["terms"] = {name: list(pair) for name, pair in record.terms.items()}
    if balance.norms is not None:
        event["norms"] = dict(zip(balance.tasks, balance.norms.tolist(), strict=True))
    if cosines and balance.cosines is not None:
        event["cosines"] = [
            [first, second, float(balance.cosines[i, j])]
            for i, first in enumerate(balance.tasks)
            for j, second in enumerate(balance.tasks)
            if i < j
        ]
    return event


def evaluation_event(evaluation: Evaluation) -> dict[str, Any]:
    """Returns the values of one evaluation by name."""
    return {
        "losses": evaluation.losses,
        "metrics": evaluation.metrics,
        "trivial": evaluation.trivial,
        "counts": evaluation.counts,
        "higher_is_better": evaluation.higher_is_better,
    }
