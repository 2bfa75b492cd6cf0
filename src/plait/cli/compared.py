"""The members of a comparison as a table for a terminal: one row each, whatever the width."""

from __future__ import annotations

import math

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from plait.reports.words.text import decimal
from plait.reports.words.verdict import BETTER, SIGNS, SINGLE, UNCLEAR, WORSE, tasks_by_verdict
from plait.runs import Comparison, MemberResult
from plait.runs.comparison import Change, mean

MISSING = "–"


def legend(found: Comparison) -> str:
    """Says how the table is read."""
    of = "one seed" if len(found.seeds) == 1 else f"means over {len(found.seeds)} seeds"
    return (
        f"Test part, {of}; changes in per cent of the separate networks, positive is better. "
        "▲ better, ▼ worse, ≈ no clear difference, ? undefined, each after Holm's correction; "
        "where no task is named, in how many tasks. Time and size: times those of the separate "
        "networks."
    )


def table(found: Comparison, out: Console) -> Table:
    """Returns the widest of three tables that fits the terminal.

    The main metric of each task with its change; the changes alone; or how many tasks are better
    and worse.
    """
    boundless = out.options.update(max_width=10_000)
    for style in (_whole, _changes):
        made = style(found)
        if Measurement.get(out, boundless, made).maximum <= out.width:
            return made
    return _counts(found)


def _whole(found: Comparison) -> Table:
    main = _main(found)
    made = _started(found)
    for task, metric in main.items():
        arrow = "↑" if found.metrics[task][metric].higher_is_better else "↓"
        made.add_column(Text(f"{task}\n{metric} {arrow}"), justify="right", no_wrap=True)
    _add_costs(made)
    cells = [_value(found.baseline, task, metric) for task, metric in main.items()]
    made.add_row(SINGLE, "", *cells, "1", "1")
    for member in found.members:
        cells = [
            f"{_value(member, task, metric)} {_gain(found, member, task)}"
            for task, metric in main.items()
        ]
        made.add_row(*_named(found, member), *cells, *_costs(found, member))
    trivial = [_short(mean(found.metrics[task][metric].trivial)) for task, metric in main.items()]
    made.add_section()
    made.add_row("trivial predictor", "", *trivial, "", "")
    return made


def _changes(found: Comparison) -> Table:
    main = _main(found)
    made = _started(found)
    for task in main:
        made.add_column(Text(_cut(task, 12)), justify="right", no_wrap=True)
    _add_costs(made)
    for member in found.members:
        cells = [_gain(found, member, task) for task in main]
        made.add_row(*_named(found, member), *cells, *_costs(found, member))
    return made


def _counts(found: Comparison) -> Table:
    made = _started(found)
    for word in (BETTER, UNCLEAR, WORSE):
        made.add_column(SIGNS[word], justify="right", no_wrap=True)
    _add_costs(made)
    for member in found.members:
        words = tasks_by_verdict(found, member.name)
        counts = [str(len(words.get(word, []))) for word in (BETTER, UNCLEAR, WORSE)]
        made.add_row(*_named(found, member), *counts, *_costs(found, member))
    return made


def _started(found: Comparison) -> Table:
    made = Table(title=found.title, title_justify="left")
    made.add_column("network", no_wrap=True)
    made.add_column("Δm", justify="right", no_wrap=True)
    return made


def _add_costs(made: Table) -> None:
    for column in ("time", "size"):
        made.add_column(column, justify="right", no_wrap=True)


def _named(found: Comparison, member: MemberResult) -> tuple[Text, str]:
    change = found.change(member.name)
    gain = _judged(change) if change else _signed(mean(member.delta_m))
    return Text(_cut(found.labels[member.name], 24)), gain


def _costs(found: Comparison, member: MemberResult) -> tuple[str, str]:
    base = found.baseline
    return (
        _ratio(mean(member.seconds), mean(base.seconds)),
        _ratio(member.parameters, base.parameters),
    )


def _main(found: Comparison) -> dict[str, str]:
    """Returns `{task: its main metric}`."""
    return {task: next(iter(metrics)) for task, metrics in found.metrics.items() if metrics}


def _value(member: MemberResult, task: str, metric: str) -> str:
    values = member.test.get(task, {}).get(metric)
    return MISSING if values is None else _short(mean(values))


def _gain(found: Comparison, member: MemberResult, task: str) -> str:
    """Returns a change with its verdict; without one where it was not judged."""
    change = found.change(member.name, task)
    if change is not None:
        return _judged(change)
    gains = next(iter(member.gains.get(task, {}).values()), [math.nan])
    return _signed(mean(gains))


def _judged(change: Change) -> str:
    return f"{_signed(change.mean)} {SIGNS[change.verdict]}"


def _signed(value: float) -> str:
    return MISSING if math.isnan(value) else decimal(value)


def _short(value: float) -> str:
    return MISSING if math.isnan(value) else f"{value:.4g}"


def _ratio(value: float, base: float) -> str:
    return f"{value / base:.2f}" if value > 0 and base > 0 else MISSING


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
