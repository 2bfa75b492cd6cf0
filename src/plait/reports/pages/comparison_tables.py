"""The tables of a comparison: its members, the main metric of each task, and all metrics."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from plait.core.many import MANY, QUANTILES, quantile_name, quantiles
from plait.reports.draw.tables import Table
from plait.reports.pages.standing import standings
from plait.reports.words.notable import gain, notable
from plait.reports.words.text import (
    MISSING,
    arrow,
    duration,
    memory,
    number,
    number_over,
    per_cent,
    per_step,
    ratio,
)
from plait.reports.words.verdict import (
    BETTER,
    SIGNS,
    SINGLE,
    UNCLEAR,
    WORSE,
    span,
    tasks_by_verdict,
)
from plait.runs import Comparison, MemberResult
from plait.runs.comparison import Change, Verdict, mean
from plait.runs.undefined import UNDEFINED

_WORDS: tuple[Verdict, ...] = (BETTER, UNCLEAR, WORSE)
MOST_COLUMNS = 8  # tasks that stand beside each other
GROUPS = {
    "single": "Separate networks",
    "joint": "Trained together",
    "merged": "Separate networks, merged",
    "classical": "Models of scikit-learn",
}


def in_order(found: Comparison) -> list[MemberResult]:
    """Returns the baseline, then the members, those of one kind beside each other."""
    members = sorted(found.members, key=lambda member: list(GROUPS).index(member.kind))
    return [found.baseline, *members]


def member_table(found: Comparison) -> Table:
    """Lists the members with their mean over the tasks and their cost."""
    rows: list[list[str]] = []
    standing = standings(found)
    for member, label in _labelled(found):
        base = member is found.baseline
        words = tasks_by_verdict(found, member.name)
        gain = "0, the reference" if base else _judged(found.change(member.name), member.delta_m)
        rows.append(
            [
                label,
                gain,
                *([MISSING] * 3 if base else [str(len(words.get(word, []))) for word in _WORDS]),
                _two(standing[member.name].mean_rank),
                _two(standing[member.name].improvability, " %"),
                per_step(mean(member.step_seconds)),
                memory(mean(member.memory)),
                duration(mean(member.seconds)) if mean(member.seconds) > 0 else MISSING,
                f"{member.parameters:,}" if member.parameters else MISSING,
                memory(member.size) if member.size else MISSING,
                ratio(member.parameters, found.baseline.parameters),
            ]
        )
    head = ["Network", "Δm", "▲ tasks", "≈ tasks", "▼ tasks"]
    head += [
        "Mean rank",
        "Improvability",
        "Step",
        "Peak memory",
        "Training",
        "Parameters",
        "Size",
        "Times single-task",
    ]
    known = [place for place in range(len(head)) if any(row[place] != MISSING for row in rows)]
    return Table(
        [head[place] for place in known],
        [[row[place] for place in known] for row in rows],
        "Members",
    )


def _two(value: float, unit: str = "") -> str:
    return MISSING if math.isnan(value) else f"{value:.3g}{unit}"


def task_table(found: Comparison) -> Table:
    """Returns the main metric of each task: members in rows, or tasks where they are several.

    Of more than 32 tasks there are quantiles of the changes, then the `notable` tasks.
    """
    main = {task: next(iter(found.metrics[task]), "") for task in notable(found)}
    main = {task: metric for task, metric in main.items() if metric}
    head = [
        f"{task}: {arrow(metric, found.metrics[task][metric].higher_is_better)}"
        for task, metric in main.items()
    ]
    names = [label for _, label in _labelled(found)]
    cells = [
        [_cell(found, member, task, metric) for task, metric in main.items()]
        for member, _ in _labelled(found)
    ]
    trivial = [number(mean(found.metrics[task][m].trivial)) for task, m in main.items()]
    names, cells = [*names, "Trivial predictor"], [*cells, trivial]
    title = "The main metric of each task"
    if len(head) <= MOST_COLUMNS:
        rows = [[name, *row] for name, row in zip(names, cells, strict=True)]
        return Table(["Network", *head], rows, title)
    turned = [[each, *column] for each, column in zip(head, zip(*cells, strict=True), strict=True)]
    return Table(["Task", *names], [*_quantile_rows(found), *turned], title)


def _quantile_rows(found: Comparison) -> list[list[str]]:
    """Returns the quantiles of each member's changes over many tasks; no row of a few."""
    if len(found.metrics) <= MANY:
        return []
    columns = [
        [""] * len(QUANTILES)
        if member is found.baseline
        else [per_cent(x) for x in quantiles(gain(found, member, task) for task in found.metrics)]
        for member, _ in _labelled(found)
    ]
    titles = [f"Change, {quantile_name(share)}" for share in QUANTILES]
    return [[*row, ""] for row in zip(titles, *columns, strict=True)]


def metric_table(found: Comparison) -> Table:
    """Returns every metric of every member, of the `notable` tasks."""
    labels = [label for _, label in _labelled(found)]
    rows = [
        [
            task,
            arrow(metric, info.higher_is_better),
            *(_cell(found, member, task, metric) for member, _ in _labelled(found)),
            number(mean(info.trivial)),
        ]
        for task in notable(found)
        for metric, info in found.metrics[task].items()
    ]
    return Table(["Task", "Metric", *labels, "Trivial"], rows, "All metrics", words=2)


def _labelled(found: Comparison) -> Iterator[tuple[MemberResult, str]]:
    """Yields the members in order, each with its label."""
    for member in in_order(found):
        if member is found.baseline:
            yield member, SINGLE
            continue
        label = found.labels[member.name]
        yield member, label


def _cell(found: Comparison, member: MemberResult, task: str, metric: str) -> str:
    """Returns a value over the seeds, and in a second line its change with the verdict."""
    values = member.test.get(task, {}).get(metric)
    if values is None or all(map(math.isnan, values)):
        return UNDEFINED if found.metrics[task][metric].undefined else MISSING
    if member is found.baseline:
        return number_over(values)
    change = found.change(member.name, task, metric)
    gains = member.gains.get(task, {}).get(metric, [math.nan])
    return f"{number_over(values)}\n{_judged(change, gains)}"


def _judged(change: Change | None, gains: Sequence[float]) -> str:
    """Returns a change with its interval and the sign of its verdict, if it is judged."""
    if change is None:
        known = mean(gains)
        return MISSING if math.isnan(known) else f"{known + 0.0:+.1f}\N{NO-BREAK SPACE}%"
    judged = not math.isnan(change.adjusted) or change.verdict == "undefined"
    return f"{span(change)} {SIGNS[change.verdict]}" if judged else span(change)
