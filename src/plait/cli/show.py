"""Results on stdout: tables for people, JSON for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from plait.core.typed_json import without_nan
from plait.runs import Comparison, FinalTest, MemberResult, RunResult
from plait.runs.comparison import mean, spread
from plait.runs.one_class import only_one
from plait.runs.undefined import UNDEFINED, because

if TYPE_CHECKING:
    from plait.evaluation import Evaluation

MOST_ROWS = 60  # of a table on a terminal
_PLAIN: dict[str, Any] = {"highlight": False, "markup": False, "soft_wrap": True}


def comparison(found: Comparison, report: Path, *, as_json: bool) -> None:
    """Shows each member beside the single-task networks, and its mean gain over the tasks."""
    if as_json:
        _json({**asdict(found), "report": str(report)})
        return
    table = Table(title=found.title, title_justify="left")
    for column in ("task", "metric"):
        table.add_column(column, overflow="fold")
    for column in ("trivial", "single", *(member.name for member in found.members)):
        table.add_column(column, justify="right", overflow="fold")
    under = "\n" if len(found.members) > 1 else " "  # several columns have to be narrow
    for row in found.rows:
        arrow = "↑" if row.higher_is_better else "↓"
        numbers = [_short(mean(row.trivial)), _number(row.single)]
        joint = [
            f"{_number(values)}{under}({_per_cent(row.changes[name])})"
            for name, values in row.joint.items()
        ]
        table.add_row(Text(row.task), f"{row.metric} {arrow}", *numbers, *joint)
    table.add_section()
    _add_totals(table, found, under)
    out = Console()
    out.print(table)
    _say_undefined(out, found.undefined)
    for member in found.members:
        if member.formula:
            out.print(f"{member.name}: {member.title}; {member.formula}", **_PLAIN)
    best = found.best or found.members[0]
    gain = _with_spread(f"{mean(best.delta_m):+.2f}", best.delta_m, ".2f")
    out.print(
        f"Mean gain over tasks (delta_m): {gain} %{_of(best, found)}; positive means that joint "
        "training helped.",
        **_PLAIN,
    )
    out.print(found.note, **_PLAIN)
    path(report, as_json=False)


def _add_totals(table: Table, found: Comparison, under: str) -> None:
    """Adds each member's mean gain and cost; the single-task networks count together."""
    gains = [
        f"{_with_spread(f'{mean(each.delta_m):+.2f}', each.delta_m, '.2f')} %"
        for each in found.members
    ]
    table.add_row("all", "delta_m ↑", "", "", *gains)
    single, size = mean(found.baseline.seconds), found.baseline.parameters
    times = [mean(each.seconds) for each in found.members]
    sizes = [each.parameters for each in found.members]
    seconds = [f"{time:.0f}{under}({_change(single, time)})" for time in times]
    parameters = [f"{each:,}{under}({_change(size, each)})" for each in sizes]
    table.add_row("all", "seconds ↓", "", f"{single:.0f}", *seconds)
    table.add_row("all", "parameters ↓", "", f"{size:,}", *parameters)


def _of(best: MemberResult, found: Comparison) -> str:
    return f" with {best.name}, the best" if len(found.members) > 1 else ""


def result(found: RunResult, folder: Path, report: Path, *, as_json: bool) -> None:
    """Shows what a run reached on the test split."""
    if as_json:
        summary = {
            "folder": str(folder),
            "report": str(report),
            "best_epoch": found.best_epoch,
            "best_epochs": found.best_epochs,
            "seconds": found.seconds,
            "parameters": found.parameters,
            "metrics": found.test.metrics,
            "undefined": found.test.undefined,
            "trivial": found.test.trivial,
            "all_right": found.test.all_right,
        }
        _json(summary)
        return
    out = Console()
    epoch = "each task's own best epoch" if found.best_epochs else f"epoch {found.best_epoch}"
    _scores(found.test, f"Test split, weights of {epoch}", out)
    if found.started:
        out.print(f"Started from {found.started}.", **_PLAIN)
    seconds = round(found.seconds)
    unit = "second" if seconds == 1 else "seconds"
    out.print(f"{seconds} {unit}; run folder: {folder}", **_PLAIN)
    path(report, as_json=False)


def evaluation(found: Evaluation, *, title: str, as_json: bool) -> None:
    """Shows what a model reaches on labelled data."""
    if as_json:
        metrics, undefined = found.metrics, found.undefined
        shown = {"metrics": metrics, "undefined": undefined, "labels": found.counts}
        more = {"one_class": found.one_class, "all_right": found.all_right}
        _json({**shown, **{name: value for name, value in more.items() if value}})
        return
    out = Console()
    _scores(found, title, out)
    text = only_one(found.one_class, "this table")
    if text:
        out.print(text, **_PLAIN)


def _scores(test: Evaluation | FinalTest, title: str, out: Console) -> None:
    """Shows the metrics of an evaluation, beside those of the trivial predictions if known."""
    table = Table(title=title, title_justify="left")
    for column in ("task", "metric"):
        table.add_column(column)
    columns = ("value", "trivial") if test.trivial else ("value",)
    for column in columns:
        table.add_column(column, justify="right")
    rows = sum(map(len, test.metrics.values()))
    for task, metrics in test.metrics.items() if rows <= MOST_ROWS else ():
        for metric, value in metrics.items():
            beside = [_short(test.trivial.get(task, {}).get(metric))] if test.trivial else []
            table.add_row(Text(task), metric, _short(value), *beside)
    for metric, value in test.all_right.items():
        table.add_row("several at once", Text(metric), _short(value))
    if rows:
        table.add_section()
    trivials = common_means(test.trivial)
    for metric, (tasks, value) in common_means(test.metrics).items():
        beside = [_short(trivials.get(metric, (0, None))[1])] if test.trivial else []
        table.add_row(f"mean of {tasks} tasks", metric, f"{value:.4g}", *beside)
    out.print(table)
    _say_undefined(out, test.undefined)
    if test.trivial:
        out.print("Trivial: the best constant prediction, which ignores the inputs.", **_PLAIN)
    if rows > MOST_ROWS:
        out.print(f"The report has all {rows} rows of the tasks.", **_PLAIN)


def common_means(metrics: Mapping[str, Mapping[str, float]]) -> dict[str, tuple[int, float]]:
    """Returns `{metric: (number of tasks, mean)}` of metrics that several tasks have.

    Tasks for which the labels do not define a metric are left out.

    Example:
        >>> common_means({"a": {"mae": 1.0}, "b": {"mae": 3.0}, "c": {"accuracy": 0.5}})
        {'mae': (2, 2.0)}
    """
    values: dict[str, list[float]] = {}
    for each in metrics.values():
        for metric, value in each.items():
            if not math.isnan(value):
                values.setdefault(metric, []).append(value)
    return {metric: (len(found), mean(found)) for metric, found in values.items() if len(found) > 1}


def path(report: Path, *, as_json: bool) -> None:
    """Shows where the report is."""
    if as_json:
        _json({"report": str(report)})
    else:
        Console().print(f"Report: {report}", highlight=False, markup=False, soft_wrap=True)


def _say_undefined(out: Console, undefined: Mapping[str, Mapping[str, str]]) -> None:
    for sentence in because(undefined):
        out.print(f"{sentence}.", **_PLAIN)


def _short(value: float | None) -> str:
    if value is None:
        return ""
    return UNDEFINED if math.isnan(value) else f"{value:.4g}"


def _number(values: Sequence[float]) -> str:
    """Returns the mean over the seeds, and with several the sample standard deviation."""
    return _with_spread(_short(mean(values)), values, ".2g")


def _with_spread(written: str, values: Sequence[float], style: str) -> str:
    deviation = spread(values)
    unknown = deviation is None or math.isnan(deviation)
    return written if unknown else f"{written} ± {deviation:{style}}"


def _per_cent(changes: Sequence[float]) -> str:
    if math.isnan(mean(changes)):
        return "–"
    return f"{round(mean(changes), 1) + 0.0:+.1f} %"  # no -0.0


def _change(before: float, after: float) -> str:
    return f"{100 * (after - before) / before:+.0f} %"


def _json(value: Any) -> None:
    print(json.dumps(without_nan(value), indent=2, allow_nan=False))
