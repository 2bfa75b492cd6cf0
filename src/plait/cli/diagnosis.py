"""A diagnosis on stdout: sentences, then tables for people; JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from plait.cli.explanation import shares
from plait.runs.diagnosis import Diagnosis, Forecast, Number
from plait.runs.folder import DIAGNOSIS

MOST_ROWS = 20  # of a table
_PLAIN: dict[str, Any] = {"highlight": False, "markup": False, "soft_wrap": True}


def show(found: Diagnosis, folder: Path, *, as_json: bool) -> None:
    """Shows what was found, what to do, and the numbers behind it."""
    if as_json:
        print(json.dumps({**asdict(found), "folder": str(folder)}, indent=2))
        return
    out = Console()
    for sentence in (*found.sentences, found.advice, *found.notes, *found.warnings):
        out.print(sentence, **_PLAIN)
    for share in shares(found.shared, found.tasks):
        out.print(f"Trained by {share}.", **_PLAIN)
    for table in (_pairs(found), _layers(found), _tasks(found), *_watched(found), _forecast(found)):
        if table is not None and table.row_count:
            out.print(table)
    for flag, count in found.flags.items():
        out.print(f"Flag of the balancer: {flag}, in {count} steps.", **_PLAIN)
    unusable = [each.balancer for each in found.forecast if each.why]
    if unusable:
        out.print(f"Not usable here: {', '.join(unusable)}; {DIAGNOSIS} says why.", **_PLAIN)
    out.print(f"Diagnosis: {folder / DIAGNOSIS}", **_PLAIN)


def _pairs(found: Diagnosis) -> Table | None:
    """Returns the cosines of the pairs, the most opposed first."""
    whole = found.conflict
    if whole is None or not whole.cosines:
        return None
    known = [
        (cosine, i, j)
        for i, j in combinations(range(len(whole.tasks)), 2)
        if (cosine := whole.cosines[i][j]) is not None
    ]
    table = _table(
        f"Gradients over {whole.parameters:,} shared parameters, {found.batches} batches",
        ("pair", "cosine", "below zero", "similar size"),
    )
    for cosine, i, j in sorted(known)[:MOST_ROWS]:
        row = (f"{whole.tasks[i]}, {whole.tasks[j]}", f"{cosine:+.2f}")
        table.add_row(*row, _share(whole.rates[i][j]), _number(whole.similarities[i][j]))
    return table


def _layers(found: Diagnosis) -> Table:
    table = _table("By layer", ("layer", "parameters", "cosine", "below zero"))
    for layer in found.layers[:MOST_ROWS]:
        cosine = "" if layer.cosine is None else f"{layer.cosine:+.2f}"
        table.add_row(Text(layer.name), f"{layer.parameters:,}", cosine, _share(layer.rate))
    return table


def _tasks(found: Diagnosis) -> Table:
    columns = ("task", "first loss", "loss", "gradient", "share of the sum's update")
    late = ("share under the balancer",) if found.balanced_shares else ()
    table = _table("Tasks", (*columns, *late))
    for task, scale in list(found.losses.items())[:MOST_ROWS]:
        row = [_number(each) for each in (scale.first, scale.loss, scale.norm)]
        row += [_share(found.shares.get(task))]
        row += [_share(found.balanced_shares.get(task))] if late else []
        table.add_row(Text(task), *row)
    return table


def _watched(found: Diagnosis) -> Iterable[Table]:
    """Yields the tables that the parts of the model recorded of themselves."""
    for title, numbers in found.watched.items():
        rows = list(numbers.rows.items())[:MOST_ROWS]
        columns = list(rows[0][1]) if rows and isinstance(rows[0][1], dict) else ["value"]
        table = _table(title, ("", *columns))
        for name, value in rows:
            cells = list(value.values()) if isinstance(value, dict) else [value]
            table.add_row(Text(name), *map(_number, cells))
        yield table


def _forecast(found: Diagnosis) -> Table:
    table = _table("Forecast of a step", ("balancer", "ms", "x plain sum", "MiB", "passes"))
    for each in found.forecast:
        if not each.why:
            table.add_row(*_costs(each))
    return table


def _costs(each: Forecast) -> Sequence[str]:
    seconds = "" if each.seconds is None else f"{1e3 * each.seconds:.3g}"
    ratio = "" if each.ratio is None else f"{each.ratio:.2f}"
    memory = "" if each.memory is None else f"{each.memory / 2**20:.1f}"
    return (each.balancer, seconds, ratio, memory, each.passes)


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left")
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left", overflow="fold")
    return table


def _number(value: Number) -> str:
    return "" if value is None else f"{value:.3g}"


def _share(value: Number) -> str:
    return "" if value is None else f"{100 * value:.0f} %"
