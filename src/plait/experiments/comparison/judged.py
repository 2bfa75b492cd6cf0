"""Verdicts on members: better or worse than the baseline, beyond the noise of seeds and test."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plait.evaluation import delta_m_resampled, relative_change
from plait.evaluation.intervals import Interval, interval, verdicts
from plait.experiments.comparison.trained import MemberRuns
from plait.runs.comparison import Change, MetricInfo
from plait.runs.comparison_member import ALL, MemberResult

Array = np.ndarray[Any, Any]
Where = tuple[str, str, str]  # member, task, metric
DELTA_M = "delta_m"


def judged(
    baseline: MemberRuns,
    members: Sequence[tuple[MemberRuns, MemberResult]],
    metrics: Mapping[str, Mapping[str, MetricInfo]],
) -> list[Change]:
    """Returns the change of each member on each metric, and on the mean over the tasks.

    Verdicts are given on the main metric of each task and on the mean over the tasks, after Holm's
    correction over all of them, and over all members.

    Args:
        baseline: what they are compared to.
        members: each with what it came to.
        metrics: of each task, the main one first.
    """
    found: dict[Where, Interval] = {}
    for runs, result in members:
        draws = _draws(runs, baseline, result, metrics)
        units = _units(runs, metrics)
        for task, infos in metrics.items():
            for metric in infos:
                changes = result.gains.get(task, {}).get(metric)
                if changes is not None:
                    where = result.name, task, metric
                    found[where] = interval(
                        changes, draws.get((task, metric)), units=units.get(task, 0)
                    )
        mean = _delta_m(draws, result)
        where = result.name, ALL, DELTA_M
        found[where] = interval(result.delta_m, mean, units=min(units.values(), default=0))
    main = {task: next(iter(infos), "") for task, infos in metrics.items()}
    told = {w: each for w, each in found.items() if w[1] == ALL or main.get(w[1]) == w[2]}
    said = verdicts(told)
    return [_change(where, each, *said.get(where, (math.nan, ""))) for where, each in found.items()]


def _change(where: Where, found: Interval, adjusted: float, verdict: Any) -> Change:
    member, task, metric = where
    return Change(
        member=member,
        task=task,
        metric=metric,
        mean=found.mean,
        deviation=found.deviation,
        low=found.low,
        high=found.high,
        p=found.p,
        adjusted=adjusted,
        verdict=verdict,
        undefined=found.undefined,
    )


def _draws(
    runs: MemberRuns,
    baseline: MemberRuns,
    result: MemberResult,
    metrics: Mapping[str, Mapping[str, MetricInfo]],
) -> dict[tuple[str, str], Array]:
    """Returns `{(task, metric): changes [S, B] on the resamples}` where all seeds have some.

    The denominators are those of the whole test part, so that a change is linear in the metrics.
    """
    found = {}
    for task, infos in metrics.items():
        for metric, info in infos.items():
            rows = []
            for place in range(len(result.delta_m)):
                own, base = runs.resamples(place, task), baseline.resamples(place, task)
                whole = baseline.test(place).get(task, {}).get(metric, math.nan)
                if own is None or base is None or task not in own.metrics or not whole:
                    break
                values, bases = own.metrics[task][metric], base.metrics[task][metric]
                rows.append(
                    relative_change(values, bases, higher_is_better=info.higher_is_better, of=whole)
                )
            else:
                found[task, metric] = np.stack(rows)
    return found


def _delta_m(draws: Mapping[tuple[str, str], Array], result: MemberResult) -> Array | None:
    """Returns `delta_m` on the resamples, `[S, B]`; None where a metric that counts has none."""
    rows = []
    for place in range(len(result.delta_m)):
        gains = {
            task: {metric: values[place] for metric, values in each.items()}
            for task, each in result.gains.items()
        }
        known = {
            (t, m) for t, each in gains.items() for m, gain in each.items() if not math.isnan(gain)
        }
        if not known or known - draws.keys():
            return None
        resampled: dict[str, dict[str, Array]] = {task: {} for task in gains}
        for task, metric in known:
            resampled[task][metric] = draws[task, metric][place]
        rows.append(delta_m_resampled(resampled, gains))
    return np.stack(rows)


def _units(runs: MemberRuns, metrics: Mapping[str, Any]) -> dict[str, int]:
    """Returns `{task: units of the test part with a label of it}`."""
    known = {task: runs.resamples(0, task) for task in metrics}
    return {task: each.units[task] for task, each in known.items() if each and task in each.units}
