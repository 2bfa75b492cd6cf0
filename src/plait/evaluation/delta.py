"""Joint training against single-task training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from plait.core.errors import DataError
from plait.runs.events import Scores
from plait.tasks.base import BaseTask
from plait.tasks.metric_rules import direction

Array = np.ndarray[Any, Any]


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
            higher = direction(f"{name}/{metric}", made)
            found = relative_change(
                joint[name][metric], single[name][metric], higher_is_better=higher
            )
            gains[name][metric] = float(found)
    return gains


def relative_change(values: Any, base: Any, *, higher_is_better: bool, of: Any = None) -> Array:
    """Computes the gain of values over a baseline in per cent, number by number.

        100 s (value - base) / |base|,    s = 1 if higher is better, else -1

    Args:
        values: numbers of any shape.
        base: of the baseline, that broadcast with them.
        higher_is_better: direction of the metric.
        of: what the gain is relative to, in place of `base`: on resamples of a test part, the
            baseline on the whole of it.

    Returns:
        An array; NaN where what it is relative to is 0, or a number is NaN.

    Example:
        >>> relative_change([0.9, 1.2], [1.0, 0.0], higher_is_better=False)
        array([10., nan])
    """
    base = np.asarray(base, dtype=np.float64)
    scale = np.abs(base if of is None else np.asarray(of, dtype=np.float64))
    with np.errstate(over="ignore", invalid="ignore"):
        gain = 100.0 * (1.0 if higher_is_better else -1.0) * (np.asarray(values) - base)
        found: Array = gain / np.where(scale == 0, math.nan, scale)
    return found


def delta_m_resampled(resampled: Mapping[str, Mapping[str, Any]], gains: Scores) -> Array:
    """Computes `delta_m` on each resample of a test part.

    A resample that does not define a metric says nothing of that metric's noise, so it is the
    deviations from the whole test part that are averaged, over the metrics that it does define:

        delta_mb = delta_m + 1/T_b sum_t 1/M_tb sum_m (gain_tmb - gain_tm)

    Args:
        resampled: `{task: {metric: gains [B] of the resamples}}`, in per cent.
        gains: `{task: {metric: gain}}` on the whole test part; those that are NaN are left out.

    Returns:
        `[B]`; NaN for a resample that defines no metric.

    Example:
        >>> whole = {"a": {"f1": 2.0}, "b": {"f1": 4.0}}
        >>> delta_m_resampled({"a": {"f1": [1.0, 2.5]}, "b": {"f1": [4.5, float("nan")]}}, whole)
        array([2.75, 3.5 ])
    """
    each = []
    for task, metrics in gains.items():
        known = [name for name, gain in metrics.items() if not math.isnan(gain)]
        if known:
            own = [np.asarray(resampled[task][name]) - metrics[name] for name in known]
            each.append(_mean_known(np.stack(own)))
    return delta_m(gains) + _mean_known(np.stack(each)) if each else np.array([])


def _mean_known(values: Array) -> Array:
    """Averages over the first axis what is not NaN; NaN where nothing is left."""
    there = ~np.isnan(values)
    count = there.sum(axis=0)
    found: Array = np.where(there, values, 0.0).sum(axis=0) / np.where(count, count, math.nan)
    return found


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
