"""Joint training against single-task training."""

from __future__ import annotations

import math
from collections.abc import Mapping

from plait.core.errors import DataError
from plait.runs.events import Scores
from plait.tasks.base import BaseTask
from plait.tasks.metrics import direction


def changes(tasks: Mapping[str, BaseTask], joint: Scores, single: Scores) -> Scores:
    """Returns the gain of joint over single-task training, in per cent, for each metric.

        gain = 100 s (joint - single) / |single|,    s = 1 if higher is better, else -1

    so a positive number is always better.

    Args:
        tasks: `{name: task}`; their metrics say in which direction each is better.
        joint: `{task: {metric: value}}` of the model that was trained on all tasks.
        single: the same of the models that were trained on one task each.

    Returns:
        `{task: {metric: gain}}`; empty for a task without metrics. NaN where the single-task value
        is 0, to which no change is relative, or a metric is not defined.

    Raises:
        DataError: a task had no valid label to be measured on.
    """
    gains: Scores = {}
    for name, task in tasks.items():
        if name not in joint or name not in single:
            raise DataError(f"task {name!r} has no valid label in the test split to compare on.")
        gains[name] = {}
        for metric, made in task.metric_prototypes.items():
            base = single[name][metric]
            sign = 1.0 if direction(f"{name}/{metric}", made) else -1.0
            gain = 100.0 * sign * (joint[name][metric] - base)
            gains[name][metric] = gain / abs(base) if base else math.nan
    return gains


def delta_m(gains: Scores) -> float:
    """Returns the mean over tasks of the mean over metrics of the gains, in per cent.

        delta_m = 1/T sum_t 1/M_t sum_m gain_tm

    with T tasks and M_t metrics of task t; gains that are NaN are left out, and so are tasks that
    have no other. NaN if none is left.

    Args:
        gains: `{task: {metric: gain in per cent}}`, as `changes` gives them.

    Raises:
        DataError: a task without a metric, or no task at all.

    Reference: Maninis, Radosavovic, Kokkinos, "Attentive Single-Tasking of Multiple Tasks", CVPR
        2019.

    Example:
        >>> delta_m({"a": {"accuracy": 2.0}, "b": {"mae": 1.0, "rmse": -2.0}})
        0.75
    """
    empty = [name for name, metrics in gains.items() if not metrics]
    if empty or not gains:
        raise DataError(
            "delta_m is a mean over tasks and their metrics; found no metric of "
            f"{', '.join(empty) or 'any task'}. Leave tasks without a metric out."
        )
    known = [[g for g in metrics.values() if not math.isnan(g)] for metrics in gains.values()]
    each = [sum(metrics) / len(metrics) for metrics in known if metrics]
    return sum(each) / len(each) if each else math.nan
