"""From the results of all runs to the numbers of a comparison."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from plait.evaluation import changes, delta_m
from plait.experiments.comparison.judged import judged
from plait.experiments.comparison.runner import Runner
from plait.experiments.comparison.trained import MemberRuns, Trained
from plait.runs.comparison import Comparison, MetricInfo
from plait.runs.comparison_member import MemberResult, Network, SeedScores
from plait.runs.events import FinalTest, Scores
from plait.runs.result import RunResult
from plait.tasks import BaseTask


def comparison_of(
    trained: Sequence[MemberRuns], runner: Runner, *, title: str, note: str
) -> Comparison:
    """Returns the comparison of what was trained.

    Args:
        trained: the networks of one task each, then the members.
        runner: that trained them, with the tasks and the seeds.
        title: of the comparison.
        note: under which conditions they were trained.

    Raises:
        DataError: a task has no metric, or no label to be measured on.
    """
    baseline, *members = trained
    tasks, seeds = runner.tasks, runner.seeds
    gains = [
        [gains_of(tasks, each.test(place), baseline.test(place)) for place in range(len(seeds))]
        for each in trained
    ]
    first, *others = [
        _member(runs, of_seeds, tasks, runner.folder)
        for runs, of_seeds in zip(trained, gains, strict=True)
    ]
    metrics = _metrics(trained, tasks, len(seeds))
    return Comparison(
        title=title,
        note=note,
        seeds=list(seeds),
        baseline=first,
        members=others,
        metrics=metrics,
        changes=judged(baseline, list(zip(members, others, strict=True)), metrics),
    )


def gains_of(tasks: Mapping[str, BaseTask], own: Scores, baseline: Scores) -> Scores:
    """Returns the gains over a baseline, of the tasks that both have; see `changes`."""
    both = {name: task for name, task in tasks.items() if name in own and name in baseline}
    return changes(both, own, baseline)


def _member(
    runs: MemberRuns, gains: Sequence[Scores], tasks: Mapping[str, BaseTask], folder: Path
) -> MemberResult:
    places = range(len(gains))
    member = runs.member
    return MemberResult(
        name=member.name,
        title=member.title,
        formula=member.formula,
        kind=member.kind,
        settings=dict(member.settings),
        networks={task: _network(each, folder) for task, each in runs.networks.items()},
        test=_by_seed([runs.test(place) for place in places]),
        validation=_by_seed([runs.validation(place) for place in places]),
        gains=_by_seed(gains),
        delta_m=[delta_m(each) if each.keys() == tasks.keys() else math.nan for each in gains],
        failed=[runs.failed(place) for place in places],
        tuned=dict(runs.tuned),
        trials=runs.trials,
    )


def _network(trained: Sequence[Trained], folder: Path) -> Network:
    """Returns the folders, the times and the size of the runs of one network."""

    def each(read: Callable[[RunResult], float]) -> list[float]:
        return [math.nan if one.result is None else read(one.result) for one in trained]

    results = [one.result for one in trained if one.result is not None]
    return Network(
        folders=[
            "" if one.folder is None else one.folder.relative_to(folder).as_posix()
            for one in trained
        ],
        seconds=each(lambda result: result.seconds),
        step_seconds=each(lambda result: result.step_seconds),
        memory=each(lambda result: result.memory),
        parameters=max((result.parameters for result in results), default=0),
        size=max((result.size for result in results), default=0),
    )


def _by_seed(scores: Sequence[Scores]) -> SeedScores:
    """Turns a table of scores per seed into one with a list per metric; NaN for what is missing."""
    known: dict[str, dict[str, None]] = {}
    for each in scores:
        for task, metrics in each.items():
            known.setdefault(task, {}).update(dict.fromkeys(metrics))
    return {
        task: {
            metric: [each.get(task, {}).get(metric, math.nan) for each in scores]
            for metric in metrics
        }
        for task, metrics in known.items()
    }


def _metrics(
    everyone: Sequence[MemberRuns], tasks: Mapping[str, BaseTask], seeds: int
) -> dict[str, dict[str, MetricInfo]]:
    """Returns direction and trivial values of each metric, from the first networks that have it."""
    tests = [
        [one.result.test if one.result else None for one in each]
        for runs in everyone
        for each in runs.networks.values()
    ]
    found: dict[str, dict[str, MetricInfo]] = {}
    for name, task in tasks.items():
        own = [each for each in tests if any(test and name in test.metrics for test in each)]
        found[name] = {metric: _info(own, name, metric, seeds) for metric in task.metric_prototypes}
    return found


def _info(
    tests: Sequence[Sequence[FinalTest | None]], task: str, metric: str, seeds: int
) -> MetricInfo:
    first = tests[0] if tests else [None] * seeds
    known = [test for each in tests for test in each if test is not None]
    reasons = (test.undefined.get(task, {}).get(metric, "") for test in known)
    return MetricInfo(
        higher_is_better=next((test.higher_is_better[task][metric] for test in known), True),
        trivial=[
            math.nan if test is None else test.trivial.get(task, {}).get(metric, math.nan)
            for test in first
        ],
        undefined=next(filter(None, reasons), ""),
    )
