"""Results on stdout: tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from plait.experiments import Comparison, Families, Result


def comparison(found: Comparison, report: Path, *, as_json: bool) -> None:
    """Shows the comparison of the joint network with single-task ones."""
    if as_json:
        _json({**asdict(found), "report": str(report)})
        return
    table = Table(title=found.title, title_justify="left")
    for column in ("task", "metric"):
        table.add_column(column)
    for column in ("constant", "single", "joint", "change"):
        table.add_column(column, justify="right")
    for row in found.rows:
        arrow = "↑" if row.higher_is_better else "↓"
        numbers = [f"{value:.4g}" for value in (row.trivial, row.single, row.joint)]
        table.add_row(Text(row.task), f"{row.metric} {arrow}", *numbers, f"{row.change:+.1f} %")
    single = sum(found.seconds["single"].values())
    table.add_section()
    table.add_row(
        "all",
        "seconds ↓",
        "",
        f"{single:.0f}",
        f"{found.seconds['joint']:.0f}",
        _change(single, found.seconds["joint"]),
    )
    sizes = found.parameters
    table.add_row(
        "all",
        "parameters ↓",
        "",
        f"{sizes['single']:,}",
        f"{sizes['joint']:,}",
        _change(sizes["single"], sizes["joint"]),
    )
    out = Console()
    out.print(table)
    out.print(
        f"Mean gain over tasks (delta_m): {found.delta_m:+.2f} %; positive means that joint "
        "training helped.",
        highlight=False,
        soft_wrap=True,
    )
    out.print(found.note, highlight=False, soft_wrap=True)
    path(report, as_json=False)


def families(found: Families, report: Path, *, as_json: bool) -> None:
    """Shows one member of each family beside single-task networks."""
    if as_json:
        _json({**asdict(found), "report": str(report)})
        return
    table = Table(title=found.title, title_justify="left")
    for column in ("task", "metric"):
        table.add_column(column)
    for column in ("constant", "single", *(run.folder for run in found.runs)):
        table.add_column(column, justify="right", overflow="fold")
    for row in found.rows:
        arrow = "↑" if row.higher_is_better else "↓"
        joint = [
            f"{row.values[run.folder]:.4g} ({row.changes[run.folder]:+.1f} %)" for run in found.runs
        ]
        numbers = [f"{value:.4g}" for value in (row.trivial, row.single)]
        table.add_row(Text(row.task), f"{row.metric} {arrow}", *numbers, *joint)
    table.add_section()
    gains = [f"{run.delta_m:+.2f} %" for run in found.runs]
    table.add_row("all", "delta_m ↑", "", "", *gains)
    seconds = [f"{run.seconds:.0f}" for run in found.runs]
    table.add_row("all", "seconds ↓", "", f"{sum(found.seconds['single'].values()):.0f}", *seconds)
    sizes = [f"{run.parameters:,}" for run in found.runs]
    table.add_row("all", "parameters ↓", "", f"{found.parameters['single']:,}", *sizes)
    out = Console()
    out.print(table)
    for run in found.runs:
        out.print(f"{run.folder}: {run.name}; {run.formula}", highlight=False, markup=False)
    out.print(found.note, highlight=False, soft_wrap=True)
    path(report, as_json=False)


def result(found: Result, report: Path, *, as_json: bool) -> None:
    """Shows what a run reached on the test split."""
    if as_json:
        summary = {
            "folder": str(found.folder),
            "report": str(report),
            "best_epoch": found.best_epoch,
            "seconds": found.seconds,
            "parameters": found.parameters,
            "metrics": found.test.metrics,
            "trivial": found.test.trivial,
        }
        _json(summary)
        return
    table = Table(title=f"Test split, weights of epoch {found.best_epoch}", title_justify="left")
    for column in ("task", "metric"):
        table.add_column(column)
    for column in ("value", "constant"):
        table.add_column(column, justify="right")
    for task, metrics in found.test.metrics.items():
        for metric, value in metrics.items():
            constant = found.test.trivial.get(task, {}).get(metric)
            shown = "" if constant is None else f"{constant:.4g}"
            table.add_row(Text(task), metric, f"{value:.4g}", shown)
    out = Console()
    out.print(table)
    if found.started:
        out.print(f"Started from {found.started}.", highlight=False, markup=False, soft_wrap=True)
    out.print(
        f"{found.seconds:.0f} seconds; run folder: {found.folder}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    path(report, as_json=False)


def path(report: Path, *, as_json: bool) -> None:
    """Shows where the report is."""
    if as_json:
        _json({"report": str(report)})
    else:
        Console().print(f"Report: {report}", highlight=False, markup=False, soft_wrap=True)


DETAILS = ("reads", "passes", "memory", "needs")  # of what a catalogue tells, what fits a table


def catalogue(found: Mapping[str, Mapping[str, Mapping[str, str]]], *, as_json: bool) -> None:
    """Shows what there is, by family; the details as well if it is one family."""
    if as_json:
        _json(found)
        return
    out = Console()
    for family, methods in found.items():
        details = [
            key for key in DETAILS if len(found) == 1 and all(key in m for m in methods.values())
        ]
        table = Table(title=family, title_justify="left", show_header=bool(details), box=None)
        shown = details or ["summary"]
        for column in ("  name", *shown):
            table.add_column(column)
        for name, entry in methods.items():
            table.add_row(f"  {name}", *(Text(entry[key]) for key in shown))
        out.print(table)
        if details:
            hint = f"What each does: plait list; papers and more: plait list {family} --json"
            out.print(hint, highlight=False)


def _change(before: float, after: float) -> str:
    return f"{100 * (after - before) / before:+.0f} %"


def _json(value: Any) -> None:
    print(json.dumps(value, indent=2))
