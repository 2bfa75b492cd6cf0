"""Comparisons put together from rows of metrics, as a reader sees them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from plait.runs import Comparison, MemberResult, MetricInfo, MetricRow, Network
from plait.runs.comparison_member import SeedScores


def network(*, folders: Sequence[str], seconds: Sequence[float], parameters: int) -> Network:
    unknown = [math.nan] * len(folders)
    return Network(
        folders=list(folders),
        seconds=list(seconds),
        step_seconds=unknown,
        memory=unknown,
        parameters=parameters,
        size=4 * parameters,
    )


def member_result(
    *,
    name: str,
    title: str,
    formula: str = "",
    folders: Sequence[str],
    seconds: Sequence[float],
    parameters: int,
    delta_m: Sequence[float],
) -> MemberResult:
    """A joint network whose scores are still to come, from rows."""
    one = network(folders=folders, seconds=seconds, parameters=parameters)
    return MemberResult(
        name=name,
        title=title,
        formula=formula,
        networks={"": one},
        test={},
        validation={},
        gains={},
        delta_m=list(delta_m),
        failed=[""] * len(folders),
    )


def compared(
    *,
    title: str,
    note: str,
    seeds: Sequence[int],
    members: Sequence[MemberResult],
    single: Mapping[str, Network],
    rows: Sequence[MetricRow],
) -> Comparison:
    """A comparison that has these rows."""
    metrics: dict[str, dict[str, MetricInfo]] = {task: {} for task in single}
    for row in rows:
        metrics[row.task][row.metric] = MetricInfo(
            higher_is_better=row.higher_is_better, trivial=row.trivial, undefined=row.undefined
        )
    nothing = [0.0] * len(seeds)
    baseline = MemberResult(
        name="single",
        title="Single-task networks",
        kind="single",
        networks=dict(single),
        test=_table(rows, lambda row: row.single),
        validation={},
        gains=_table(rows, lambda row: nothing),
        delta_m=nothing,
        failed=[""] * len(seeds),
    )
    return Comparison(
        title=title,
        note=note,
        seeds=list(seeds),
        baseline=baseline,
        members=[
            replace(
                each,
                test=_table(rows, lambda row, name=each.name: row.joint[name]),
                gains=_table(rows, lambda row, name=each.name: row.changes[name]),
            )
            for each in members
        ],
        metrics=metrics,
    )


def with_rows(found: Comparison, rows: Sequence[MetricRow]) -> Comparison:
    """The comparison with other rows."""
    return compared(
        title=found.title,
        note=found.note,
        seeds=found.seeds,
        members=found.members,
        single=found.single,
        rows=rows,
    )


def _table(rows: Sequence[MetricRow], values: object) -> SeedScores:
    found: SeedScores = {}
    for row in rows:
        found.setdefault(row.task, {})[row.metric] = list(values(row))  # type: ignore[operator]
    return found
