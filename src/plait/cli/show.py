"""Results on stdout: tables for people, JSON for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from plait.core.many import QUANTILES, main_skills, quantiles, worst_and_best
from plait.core.typed_json import without_nan
from plait.runs import Comparison, FinalTest, RunResult
from plait.runs.comparison import mean
from plait.runs.one_class import only_one
from plait.runs.undefined import UNDEFINED, because

if TYPE_CHECKING:
    from plait.evaluation import Evaluation

MOST_ROWS = 60  # of a table on a terminal
MOST_EXTREMES = 8  # of the worst tasks, and of the best, where the table would be longer
MOST_FORMULAS = 6  # members with theirs
_PLAIN: dict[str, Any] = {"highlight": False, "markup": False, "soft_wrap": True}


def comparison(found: Comparison, report: Path, *, as_json: bool, advised: bool = False) -> None:
    """Shows the members in a table, and in sentences what they came to and what to do.

    With an advice, which says what to do, the sentences of the table alone are left out.
    """
    from plait.cli.compared import legend, table
    from plait.reports.words.advice import action
    from plait.reports.words.findings import (
        failure_sentences,
        noise_sentence,
        transfer_sentences,
    )
    from plait.reports.words.headline import headline

    if as_json:
        _json({**asdict(found), "report": str(report)})
        return
    out = Console()
    out.print(table(found, out))
    out.print(legend(found), **_PLAIN)
    _say_undefined(out, found.undefined)
    for member in found.members[:MOST_FORMULAS]:
        if member.formula and len(found.members) <= MOST_FORMULAS:
            out.print(f"{found.labels[member.name]}: {member.formula}", **_PLAIN)
    out.print()
    told = () if advised else (headline(found), f"What to do: {action(found)}")
    for sentence in (
        *told,
        *transfer_sentences(found),
        *failure_sentences(found),
        noise_sentence(found),
        found.note,
    ):
        if sentence:
            out.print(sentence.replace("\N{NO-BREAK SPACE}", " "), **_PLAIN)
    path(report, as_json=False)


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
    whole = f"plait report {folder} --csv"
    _scores(found.test, f"Test split, weights of {epoch}", out, whole)
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
    _scores(found, title, out, "the output with --json")
    text = only_one(found.one_class, "this table")
    if text:
        out.print(text, **_PLAIN)


def _scores(test: Evaluation | FinalTest, title: str, out: Console, whole: str) -> None:
    """Shows the metrics of an evaluation, beside those of the trivial predictions if known.

    Args:
        test: the evaluation.
        title: of the table.
        out: where to.
        whole: where all numbers are, said if the table would be too long for them.
    """
    table = Table(title=title, title_justify="left")
    for column in ("task", "metric"):
        table.add_column(column)
    columns = ("value", "trivial") if test.trivial else ("value",)
    for column in columns:
        table.add_column(column, justify="right")
    rows = sum(map(len, test.metrics.values()))
    shown = list(test.metrics) if rows <= MOST_ROWS else _worst_and_best(test)
    for task in shown:
        for metric, value in test.metrics[task].items():
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
        of_many = _quantiles(test.metrics, metric) if rows > MOST_ROWS else []
        for share, number in zip(QUANTILES, of_many, strict=False):
            table.add_row(f"{share} % quantile", metric, _short(number))
    out.print(table)
    _say_undefined(out, test.undefined)
    if test.trivial:
        out.print("Trivial: the best constant prediction, which ignores the inputs.", **_PLAIN)
    if rows > MOST_ROWS:
        if shown:
            text = f"The {len(shown) // 2} tasks with the least skill, and as many with the most."
            out.print(text, **_PLAIN)
        out.print(f"All {rows} rows are in {whole}.", **_PLAIN)


def _worst_and_best(test: Evaluation | FinalTest) -> list[str]:
    """Returns the tasks with the least skill, then those with the most."""
    skills = main_skills(test.metrics, test.trivial, test.higher_is_better)
    return [task for side in worst_and_best(skills, MOST_EXTREMES) for task in side]


def _quantiles(metrics: Mapping[str, Mapping[str, float]], metric: str) -> list[float]:
    return quantiles(each[metric] for each in metrics.values() if metric in each)


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


def numbers(found: Mapping[str, Any]) -> None:
    """Shows numbers for programs."""
    _json(found)


def _say_undefined(out: Console, undefined: Mapping[str, Mapping[str, str]]) -> None:
    for sentence in because(undefined):
        out.print(f"{sentence}.", **_PLAIN)


def _short(value: float | None) -> str:
    if value is None:
        return ""
    return UNDEFINED if math.isnan(value) else f"{value:.4g}"


def _json(value: Any) -> None:
    print(json.dumps(without_nan(value), indent=2, allow_nan=False))
