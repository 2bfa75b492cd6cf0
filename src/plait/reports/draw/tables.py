"""The tables of the page that are not beside a chart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from plait.reports.read.comparison import Row
from plait.reports.read.run import Run
from plait.reports.words.text import against, arrow, judgement, number, per_cent

MOST_ROWS = 200  # of a table that could have one for each pair of tasks


@dataclass(frozen=True)
class Table:
    """Text in rows; the first cell of a row names it.

    Attributes:
        head: the columns' titles.
        rows: the cells.
        caption: what the table shows, for those who do not see its place on the page.
    """

    head: list[str]
    rows: list[list[str]]
    caption: str


def metric_table(run: Run) -> Table | None:
    """Returns the metrics on the test data and at the best epoch, or None before any evaluation."""
    best, test = run.best, run.test
    shown = test or best
    if shown is None:
        return None
    both = test is not None and best is not None
    epoch = "" if best is None else f"Validation, epoch {best.epoch}"
    head = ["Task", "Metric", "Test" if test else epoch, "Trivial predictor", "Against trivial"]
    rows = []
    for task, metrics in shown.metrics.items():
        for metric, value in metrics.items():
            higher = shown.direction(task, metric)
            trivial = shown.trivial.get(task, {}).get(metric)
            row = [task, arrow(metric, higher), number(value), number(trivial)]
            row += [against(value, trivial, higher)]
            if both and best is not None:
                row += [number(best.metrics.get(task, {}).get(metric))]
            rows.append([*row, f"{shown.counts.get(task, 0):,.0f}"])
    caption = f"Metrics on the {'test' if test else 'validation'} data"
    return Table([*head, *([epoch] if both else []), "Labels"], rows, caption)


def comparison_table(rows: Iterable[Row]) -> Table:
    """Returns each metric of single-task and joint training, and the change between them."""
    head = [
        "Task",
        "Metric",
        "Trivial",
        "Single-task",
        "Joint",
        "Change",
        "Joint is",
        "Than trivial",
    ]
    cells = [
        [
            row.task,
            arrow(row.metric, row.higher_is_better),
            number(row.trivial),
            number(row.single),
            number(row.joint),
            per_cent(row.change),
            judgement(row.change),
            against(row.joint, row.trivial, row.higher_is_better),
        ]
        for row in rows
    ]
    return Table(head, cells, "Joint against single-task training")


def settings_table(values: Mapping[str, Any], caption: str) -> Table:
    """Returns a nested mapping as one row for each value, named by its path."""
    return Table(["Setting", "Value"], [list(pair) for pair in flat(values, "")], caption)


def flat(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yields paths below a `path` and values; a list of plain values is one value."""
    nested = isinstance(value, list) and any(isinstance(item, dict | list) for item in value)
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from flat(item, f"{path}.{key}" if path else str(key))
    elif nested:
        for index, item in enumerate(value):
            yield from flat(item, f"{path}[{index}]")
    elif isinstance(value, list):
        yield path, ", ".join(_plain(item) for item in value) or "(none)"
    else:
        yield path, _plain(value)


def _plain(value: Any) -> str:
    """Returns a scalar as it is written in YAML."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value) or '""'
