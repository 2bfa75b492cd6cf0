"""Steps and evaluations as lines of `events.jsonl`."""

from __future__ import annotations

import math
from typing import Any

from plait.evaluation.evaluate import Evaluation
from plait.training.step import StepRecord


def step_event(record: StepRecord) -> dict[str, Any]:
    """Returns the values of one step by name.

    `losses` are before static weights; `weights` are what each task's gradient counted; `terms` are
    ``[term, strength x term]``; `cosines` are ``[task, task, cosine]`` for each pair; `skipped`
    says why the step was not taken, with null for a loss that is not finite.
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
    if balance.norms is not None and balance.cosines is not None:
        event["norms"] = dict(zip(balance.tasks, balance.norms.tolist(), strict=True))
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
