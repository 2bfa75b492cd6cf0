"""The tables of several data sets: what each gave to the training, and the labels of each task."""

from __future__ import annotations

from plait.reports.draw.tables import Table
from plait.reports.read.run import Run
from plait.runs.mixture import UNKNOWN, mixture_rows


def mixture_tables(run: Run) -> list[Table]:
    """Makes a table of the sources, and one of the labels that were seen; none of one data set.

    Examples are counted each time that they were read; the share drawn is that of all of them.
    """
    if run.mixture is None:
        return []
    seen = run.seen[-1] if run.seen else None
    total = sum(seen.examples.values()) if seen else 0
    rows = []
    for name, examples, batch_size, share, _, passes in mixture_rows(run.mixture):
        count = seen.examples.get(name, 0) if seen else 0
        drawn = f"{100 * count / total:.1f} %" if total else UNKNOWN
        rows.append([name, examples, batch_size, passes, f"{count:,}", drawn, share])
    head = ["Source", "Examples", "Batch size", "Passes an epoch"]
    sources = Table([*head, "Seen", "Share seen", "Share stated"], rows, "Data sets")
    if seen is None:
        return [sources]
    labels = [[task, f"{mass:,.10g}"] for task, mass in seen.labels.items()]
    return [sources, Table(["Task", "Labels seen"], labels, "Labels seen")]


def mixture_note(run: Run) -> str:
    """Says what an epoch was; "" of one data set."""
    plan = run.mixture
    if plan is None:
        return ""
    ended = [each.note for each in run.seen if each.note]
    note = f"By {plan.policy}, an epoch has {plan.steps:,} steps: {plan.rule}."
    return f"{note} {ended[-1][:1].upper()}{ended[-1][1:]}." if ended else note
