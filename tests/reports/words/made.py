"""Comparisons of made-up changes, for the words on them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from plait.runs import Comparison, MemberResult, MetricRow, Network
from plait.runs.comparison import Change, Verdict, mean, spread
from tests.runs.made import compared, member_result, network

Changes = Mapping[str, Sequence[float]]  # {task: change of each metric}


def member(name: str, means: Sequence[float], parameters: int = 1_000_000) -> MemberResult:
    return member_result(
        name=name,
        title=f"Family: {name}",
        formula="min L",
        folders=[f"seed-{place}/{name}" for place in range(len(means))],
        seconds=[60.0] * len(means),
        parameters=parameters,
        delta_m=list(means),
    )


def row(task: str, metric: str, changes: Mapping[str, Sequence[float]]) -> MetricRow:
    """A metric with these changes of each member, one for each seed."""
    seeds = len(next(iter(changes.values())))
    return MetricRow(
        task=task,
        metric=metric,
        higher_is_better=True,
        trivial=[0.1] * seeds,
        single=[0.5] * seeds,
        joint={name: [0.5 * (1 + change / 100) for change in c] for name, c in changes.items()},
        changes={name: list(c) for name, c in changes.items()},
    )


def single(seconds: float, seeds: int, parameters: int) -> Network:
    return network(folders=["a"] * seeds, seconds=[seconds] * seeds, parameters=parameters)


def of_tasks(**changes: Sequence[float]) -> Comparison:
    """One member from one seed; each task has metrics of these changes."""
    rows = [
        row(task, f"m{i}", {"x": [change]})
        for task, each in changes.items()
        for i, change in enumerate(each)
    ]
    means = [sum(each) / len(each) for each in changes.values()]
    found = compared(
        title="t",
        note="",
        seeds=[0],
        members=[member("x", [sum(means) / len(means)])],
        single={task: single(40.0, 1, 2_500_000 // len(changes)) for task in changes},
        rows=rows,
    )
    return judged(found)


def of_members(*seeds: int, **means: float | Sequence[float]) -> Comparison:
    """Members with these means (one, or of each seed); task a has them, task b their opposite."""
    given = {name: [m] if isinstance(m, int | float) else list(m) for name, m in means.items()}
    count = len(next(iter(given.values())))
    opposite = {name: [-value for value in each] for name, each in given.items()}
    found = compared(
        title="t",
        note="",
        seeds=list(seeds) or list(range(count)),
        members=[member(name, each, 500) for name, each in given.items()],
        single={"a": single(30.0, count, 800), "b": single(90.0, count, 1200)},
        rows=[row("a", "m", given), row("b", "m", opposite)],
    )
    return judged(found)


def judged(found: Comparison, half: float = 0.5) -> Comparison:
    """The comparison with an interval of this half width around each change, and its verdict.

    As in a real one, only the main metric of a task and the mean over the tasks are judged.
    """
    changes = []
    for member in found.members:
        changes.append(change(member.name, "", "delta_m", member.delta_m, half))
        for task, metrics in member.gains.items():
            for place, (metric, gains) in enumerate(metrics.items()):
                changes.append(change(member.name, task, metric, gains, half, main=not place))
    return replace(found, changes=changes)


def change(
    member: str,
    task: str,
    metric: str,
    gains: Sequence[float],
    half: float,
    *,
    main: bool = True,
) -> Change:
    middle = mean(gains)
    deviation = spread(gains)
    verdict: Verdict = "no clear difference"
    if math.isnan(middle):
        verdict = "undefined"
    elif main and abs(middle) > half:
        verdict = "better" if middle > 0 else "worse"
    known = math.nan if math.isnan(middle) else 0.01 if abs(middle) > half else 0.6
    return Change(
        member=member,
        task=task,
        metric=metric,
        mean=middle,
        deviation=math.nan if deviation is None else deviation,
        low=middle - half,
        high=middle + half,
        p=known,
        adjusted=min(2 * known, 1.0) if main else math.nan,
        verdict=verdict,
    )


def breaking(text: str) -> str:
    """The text with common spaces."""
    return text.replace("\N{NO-BREAK SPACE}", " ")
