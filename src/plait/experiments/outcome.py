"""From the results of all runs to the numbers of a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plait.evaluation import changes, delta_m
from plait.experiments.members import Member
from plait.experiments.run import Result
from plait.runs.comparison import Comparison, MemberResult, MetricRow, SingleResult
from plait.runs.events import Scores
from plait.tasks import BaseTask
from plait.tasks.metrics import direction


@dataclass(frozen=True)
class SeedRuns:
    """The runs of one seed.

    Attributes:
        seed: of all of them.
        folder: holds their run folders.
        joint: `{member: result}`; filled as they are trained.
        single: `{task: result of its own network}`; likewise.
    """

    seed: int
    folder: Path
    joint: dict[str, Result] = field(default_factory=dict)
    single: dict[str, Result] = field(default_factory=dict)

    @property
    def scores(self) -> Scores:
        """Test metrics of each task's own network, `{task: {metric: value}}`."""
        return {task: result.test.metrics[task] for task, result in self.single.items()}

    def gains(self, tasks: Mapping[str, BaseTask], member: str) -> Scores:
        """Changes of a member against the single-task networks, in per cent, by task and metric."""
        return changes(tasks, self.joint[member].test.metrics, self.scores)


def comparison_of(
    trained: Sequence[SeedRuns],
    members: Sequence[Member],
    tasks: Mapping[str, BaseTask],
    folder: Path,
    *,
    title: str,
    note: str,
) -> Comparison:
    """Returns the comparison of what was trained.

    Args:
        trained: the runs of each seed.
        members: the joint networks.
        tasks: all tasks by name; their metrics are compared.
        folder: of the comparison; holds all run folders.
        title: of the comparison.
        note: under which conditions they were trained.

    Raises:
        DataError: a task has no metric, or no label to be measured on.
    """
    gains = {
        member.name: [runs.gains(tasks, member.name) for runs in trained] for member in members
    }
    return Comparison(
        title=title,
        note=note,
        seeds=[runs.seed for runs in trained],
        members=[
            MemberResult(
                name=member.name,
                title=member.title,
                formula=member.formula,
                delta_m=[delta_m(gain) for gain in gains[member.name]],
                **_cost([runs.joint[member.name] for runs in trained], folder),
            )
            for member in members
        ],
        single={
            task: SingleResult(**_cost([runs.single[task] for runs in trained], folder))
            for task in tasks
        },
        rows=_rows(tasks, trained, gains),
    )


def _cost(results: Sequence[Result], folder: Path) -> dict[str, Any]:
    """Returns the folders, the times and the size of the runs of one network."""
    return {
        "folders": [result.folder.relative_to(folder).as_posix() for result in results],
        "seconds": [result.seconds for result in results],
        "parameters": results[0].parameters,
    }


def _rows(
    tasks: Mapping[str, BaseTask],
    trained: Sequence[SeedRuns],
    gains: Mapping[str, Sequence[Scores]],
) -> list[MetricRow]:
    """Returns a row for each metric of each task."""
    return [
        MetricRow(
            task=name,
            metric=metric,
            higher_is_better=direction(f"{name}/{metric}", made),
            trivial=[runs.single[name].test.trivial[name][metric] for runs in trained],
            single=[runs.scores[name][metric] for runs in trained],
            joint={m: [r.joint[m].test.metrics[name][metric] for r in trained] for m in gains},
            changes={m: [gain[name][metric] for gain in each] for m, each in gains.items()},
            undefined=_reason(trained, name, metric),
        )
        for name, task in tasks.items()
        for metric, made in task.metric_prototypes.items()
    ]


def _reason(trained: Sequence[SeedRuns], task: str, metric: str) -> str:
    """Returns why a metric has no value in one of the runs; "" if it has one in all."""
    tests = [r.test for runs in trained for r in (runs.single[task], *runs.joint.values())]
    reasons = (test.undefined.get(task, {}).get(metric, "") for test in tests)
    return next(filter(None, reasons), "")
