"""Published tables on stdout: our figures beside those of the source."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from plait.core.typed_json import without_nan
from plait.runs.comparison import spread
from plait.runs.descents import Descents
from plait.runs.reproduced import Figures, Reproduced

_PLAIN: dict[str, Any] = {"highlight": False, "markup": False, "soft_wrap": True}


def reproduced(found: Reproduced, report: Path | None, *, as_json: bool) -> None:
    """Shows a published table: each figure as `ours ± deviation`, and that of the source.

    Args:
        found: the table.
        report: the page of its comparison; None where there is none.
        as_json: print JSON and nothing else.
    """
    if as_json:
        where = {} if report is None else {"report": str(report)}
        print(json.dumps({**without_nan(asdict(found)), **where}, indent=2))
        return
    table = Table(title=found.title, title_justify="left")
    table.add_column("")
    for column in found.columns:
        table.add_column(column, justify="right")
        table.add_column("source", justify="right")
        table.add_column("")
    for row in found.rows:
        cells = [cell for each in row.figures for cell in _cells(each)]
        table.add_row(Text(row.title), *cells)
    out = Console()
    out.print(table)
    for row in found.rows:
        if row.failed:
            out.print(f"{row.title}: {row.failed}", **_PLAIN)
    out.print(verdict(found), **_PLAIN)
    out.print(f"Source: {found.source}.", **_PLAIN)
    for sentence in found.differs:
        out.print(sentence, **_PLAIN)
    seeds = "1 seed" if len(found.seeds) == 1 else f"{len(found.seeds)} seeds, mean ± deviation"
    out.print(f"{seeds}; {found.length}; {found.seconds / 60:.0f} minutes.", **_PLAIN)
    if report is not None:
        out.print(f"Report: {report}", **_PLAIN)


def verdict(found: Reproduced) -> str:
    """Says in how many figures we agree with the source, and in which we do not.

    A figure agrees if our mean is within the tolerance of the table.
    """
    known = [
        (f"{row.title}, {column}", each)
        for row in found.rows
        for column, each in zip(found.columns, row.figures, strict=True)
        if each.agreement
    ]
    off = [
        f"{name} ({'no figure' if each.agreement == 'failed' else _off(each)})"
        for name, each in known
        if each.agreement != "as published"
    ]
    said = f"{len(known) - len(off)} of {len(known)} figures are as published, to {found.within:g}"
    return f"{said}; not so: {'; '.join(off)}." if off else f"{said}."


def descents(found: Descents, report: Path, *, as_json: bool) -> None:
    """Shows from how many starts each method reaches the Pareto front."""
    if as_json:
        print(json.dumps({**without_nan(asdict(found)), "report": str(report)}, indent=2))
        return
    table = Table(title=found.title, title_justify="left")
    for column in ("method", "on the front", "farthest end", "steps to the front"):
        table.add_column(column, justify="left" if column == "method" else "right")
    tried = [method for method in found.methods if method.descents]
    for method in sorted(tried, key=lambda each: -each.reaching(found.tolerance)):
        reached = [each.reached for each in method.descents]
        table.add_row(
            f"{method.name} *" if method.raised else method.name,
            f"{method.reaching(found.tolerance)} of {len(method.descents)}",
            f"{max(each.distance for each in method.descents):.2g}",
            f"{max(reached):,}" if min(reached) >= 0 else "–",
        )
    out = Console()
    out.print(table)
    if any(method.raised for method in tried):
        out.print("* both losses raised above zero, which the method needs.", **_PLAIN)
    for method in found.methods:
        if method.refused:
            out.print(f"{method.name}: {method.refused}.", **_PLAIN)
    out.print(found.note, **_PLAIN)
    out.print(f"Report: {report}", **_PLAIN)


def _cells(figures: Figures) -> tuple[str, str, str]:
    theirs = "" if math.isnan(figures.published) else _number(figures.published)
    return _ours(figures), theirs, figures.agreement


def _ours(figures: Figures) -> str:
    mean = fmean(figures.ours)
    if math.isnan(mean):
        return "–"
    deviation = spread(figures.ours)
    return _number(mean) if deviation is None else f"{_number(mean)} ± {deviation:.2g}"


def _off(figures: Figures) -> str:
    difference = fmean(figures.ours) - figures.published
    return f"{difference:+.2g}"


def _number(value: float) -> str:
    """Returns a figure with as many digits as published ones have: 96.46, and 0.725."""
    return f"{value:.2f}" if abs(value) >= 10 else f"{value:.4f}"
