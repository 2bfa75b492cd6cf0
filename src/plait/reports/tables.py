"""Numbers as text, and the tables of the page that are not beside a chart."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from plait.reports.comparison import Row
from plait.reports.read import Run

MISSING = "–"

# Events do not say which direction is better; these names of plait's and torchmetrics' metrics do.
_HIGHER = {"accuracy", "pixel_accuracy", "f1", "iou", "dice", "auroc", "precision", "recall", "r2"}
_LOWER = {"mae", "mse", "rmse", "distance"}


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


def number(value: float | None) -> str:
    """Returns four significant digits.

    Example:
        >>> number(0.123456), number(12), number(None)
        ('0.1235', '12', '–')
    """
    if value is None or math.isnan(value):
        return MISSING
    return f"{value:.4g}"


def per_cent(value: float) -> str:
    """Returns a signed change in per cent.

    Example:
        >>> per_cent(2.04)
        '+2.0 %'
    """
    return MISSING if math.isnan(value) else f"{value:+.1f} %"


def duration(seconds: float) -> str:
    """Returns a time in its two largest units.

    Example:
        >>> duration(7.25), duration(75), duration(3720)
        ('7.2 s', '1 min 15 s', '1 h 2 min')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (rest if not hours else 0, "s")]
    return " ".join(f"{value} {unit}" for value, unit in parts if value)


def direction(metric: str) -> bool | None:
    """Returns whether a higher value is better; None for a metric that is not known."""
    if metric in _HIGHER:
        return True
    return False if metric in _LOWER else None


def arrow(metric: str, higher: bool | None) -> str:
    """Returns the metric with its direction.

    Example:
        >>> arrow("iou", True), arrow("mae", False), arrow("mine", None)
        ('iou ↑', 'mae ↓', 'mine')
    """
    return metric if higher is None else f"{metric} {'↑' if higher else '↓'}"


def against(value: float, trivial: float | None, higher: bool | None) -> str:
    """Returns how a value compares with that of the trivial predictor."""
    if trivial is None or higher is None or math.isnan(value) or math.isnan(trivial):
        return MISSING
    if value == trivial:
        return "no better"
    return "better" if (value > trivial) == higher else "worse"


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
            higher, trivial = direction(metric), shown.trivial.get(task, {}).get(metric)
            row = [task, arrow(metric, higher), number(value), number(trivial)]
            row += [against(value, trivial, higher)]
            if both and best is not None:
                row += [number(best.metrics.get(task, {}).get(metric))]
            rows.append([*row, number(shown.counts.get(task))])
    caption = f"Metrics on the {'test' if test else 'validation'} data"
    return Table([*head, *([epoch] if both else []), "Labels"], rows, caption)


def comparison_table(rows: Iterable[Row]) -> Table:
    """Returns each metric of single-task and joint training, and the change between them."""
    head = ["Task", "Metric", "Trivial", "Single-task", "Joint", "Change", "Joint is", "Than trivial"]
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


def judgement(change: float) -> str:
    """Returns "better", "worse" or "equal", as the change reads when it is rounded for the page."""
    if math.isnan(change):
        return "not comparable"
    if abs(change) < 0.05:
        return "equal"
    return "better" if change > 0 else "worse"


def settings_table(values: Mapping[str, Any], caption: str) -> Table:
    """Returns a nested mapping as one row for each value, named by its path."""
    return Table(["Setting", "Value"], [list(pair) for pair in _flat(values, "")], caption)


def _flat(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yields paths and values; a list of plain values is one value."""
    nested = isinstance(value, list) and any(isinstance(item, dict | list) for item in value)
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}" if path else str(key))
    elif nested:
        for index, item in enumerate(value):
            yield from _flat(item, f"{path}[{index}]")
    elif isinstance(value, list):
        yield path, ", ".join(_plain(item) for item in value) or "(none)"
    else:
        yield path, _plain(value)


def _plain(value: Any) -> str:
    """Returns a scalar as it is written in YAML."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value) or '""'
