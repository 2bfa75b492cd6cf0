"""The standing of each member of a comparison among all of them: mean rank, improvability."""

from __future__ import annotations

import math
from dataclasses import dataclass

from plait.evaluation.improvability import improvability
from plait.evaluation.mean_rank import mean_rank
from plait.runs import Comparison, MemberResult
from plait.runs.comparison import mean


@dataclass(frozen=True)
class Standing:
    """The place of a member among all, the separate networks included.

    Attributes:
        mean_rank: over all metrics; 1 is the best, and what has no value comes last.
        improvability: distance to the best on the main metric of a task, in per cent of the best,
            the mean over the tasks; NaN where a task has no distance.
    """

    mean_rank: float
    improvability: float


def standings(found: Comparison) -> dict[str, Standing]:
    """Returns the standing of each member and of the baseline, by name."""
    members = found.rows_of_table
    every = [(task, metric) for task, metrics in found.metrics.items() for metric in metrics]
    main = [(task, next(iter(metrics))) for task, metrics in found.metrics.items() if metrics]
    ranks = mean_rank(_table(members, every), _directions(found, every))
    distances = improvability(_table(members, main), _directions(found, main))
    return {
        member.name: Standing(
            float(rank), math.fsum(row.tolist()) / len(main) if main else math.nan
        )
        for member, rank, row in zip(members, ranks, distances, strict=True)
    }


def _table(members: list[MemberResult], columns: list[tuple[str, str]]) -> list[list[float]]:
    return [
        [mean(member.test.get(task, {}).get(metric) or [math.nan]) for task, metric in columns]
        for member in members
    ]


def _directions(found: Comparison, columns: list[tuple[str, str]]) -> list[bool]:
    return [found.metrics[task][metric].higher_is_better for task, metric in columns]
