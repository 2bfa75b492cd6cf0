"""The table of label coverage: the rows with a label, by task and split."""

from __future__ import annotations

from plait.core.many import MANY, QUANTILES
from plait.reports.draw.tables import Table
from plait.reports.read.run import Run
from plait.reports.words.text import MISSING
from plait.runs import Coverage
from plait.runs.coverage import SPLITS, per_cent

MOST_CLASSES = 6  # that are written out


def label_table(run: Run) -> Table | None:
    """Makes a table of the rows with a label, by task and split, the smallest share first.

    Of more than 32 tasks there are the one with the smallest share in training, those at the
    quantiles, and the one with the largest. None if the log does not say.
    """
    known = {each.split: each for each in run.coverage}
    if not known:
        return None
    first = known.get("train") or next(iter(known.values()))
    splits = [split for split in SPLITS if split in known]
    classes = bool(first.classes)
    head = ["Task", *(SPLITS[split].capitalize() for split in splits)]
    rows = [
        [title, *(_share(known[split], task) for split in splits)]
        + ([_classes(first, task)] if classes else [])
        for title, task in _chosen(first.worst_first).items()
    ]
    of = f"Labels in {SPLITS.get(first.split, first.split)}"
    return Table([*head, of] if classes else head, rows, "Rows with a label")


def _chosen(tasks: list[str]) -> dict[str, str]:
    """Returns `{title: task}` of the rows."""
    last = len(tasks) - 1
    if last < MANY:
        return {task: task for task in tasks}
    found = {f"{tasks[0]} (fewest of {len(tasks)} tasks)": tasks[0]}
    for share in QUANTILES:
        task = tasks[round(share / 100 * last)]
        found[f"{task} (median)" if share == 50 else f"{task} ({share} % have fewer)"] = task
    return {**found, f"{tasks[last]} (most)": tasks[last]}


def _share(coverage: Coverage, task: str) -> str:
    rows, labelled = coverage.rows.get(task, 0), coverage.labelled.get(task, 0)
    if labelled == rows:
        return f"all {rows:,}" if rows else MISSING
    return f"{labelled:,} of {rows:,} ({per_cent(labelled, rows)})"


def _classes(coverage: Coverage, task: str) -> str:
    counts = coverage.classes.get(task, {})
    if len(counts) > MOST_CLASSES:
        least, most = min(counts.values()), max(counts.values())
        return f"{len(counts)} classes, {least:,} to {most:,} labels each"
    return ", ".join(f"{name}: {count:,}" for name, count in counts.items())
