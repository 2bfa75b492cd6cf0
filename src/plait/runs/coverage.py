"""Label coverage in words, for terminals, logs and reports."""

from __future__ import annotations

from plait.runs.events import Coverage

MOST_NAMES = 6  # in a sentence
FEW = 10  # rows; with fewer, a task learns little, and its metrics say little
SPLITS = {"train": "training", "val": "validation", "test": "test"}


def per_cent(labelled: int, rows: int) -> str:
    """Returns the share of rows with a label, rounded down; only nothing and all are 0 and 100 %.

    Example:
        >>> per_cent(1, 1000), per_cent(999, 1000), per_cent(0, 5), per_cent(5, 5)
        ('<1 %', '99 %', '0 %', '100 %')
    """
    whole = 100 * labelled // max(rows, 1)
    return "<1 %" if labelled and not whole else f"{whole} %"


def partly_labelled(coverage: Coverage) -> str | None:
    """Returns a sentence on the tasks that have a label in some rows only; None if none has.

    The smallest share comes first; of more than six tasks the rest are counted.

    Example:
        >>> partly_labelled(
        ...     Coverage(split="train", rows={"a": 50, "b": 50, "c": 50},
        ...              labelled={"a": 44, "b": 10, "c": 50})
        ... )
        'labels: b 20 %, a 88 % of 50 training rows'
    """
    rows, labelled = coverage.rows, coverage.labelled
    partly = [task for task in coverage.worst_first if labelled[task] < rows[task]]
    if not partly:
        return None
    shown = [f"{task} {per_cent(labelled[task], rows[task])}" for task in partly[:MOST_NAMES]]
    more = len(partly) - len(shown)
    rest = f" and {more} more" if more else ""
    sizes = {rows[task] for task in partly}
    whose = f"{sizes.pop():,}" if len(sizes) == 1 else "their own"
    return f"labels: {', '.join(shown)}{rest} of {whose} {_split(coverage)} rows"


def few_labels(coverage: Coverage) -> str | None:
    """Returns a sentence on the tasks with a label in fewer than ten rows; None if none is so.

    Example:
        >>> few_labels(Coverage(split="val", rows={"a": 50}, labelled={"a": 3}))
        'fewer than 10 validation rows have a label of task a (3): metrics on them say little.'
    """
    few = sorted((n, task) for task, n in coverage.labelled.items() if n < FEW)
    if not few:
        return None
    shown = [f"{task} ({n})" for n, task in few[:MOST_NAMES]]
    more = len(few) - len(shown)
    rest = f" and {more} more" if more else ""
    found = (
        f"fewer than {FEW} {_split(coverage)} rows have a label of task {', '.join(shown)}{rest}"
    )
    learn = coverage.split == "train"
    return f"{found}: {'little is learned from them' if learn else 'metrics on them say little'}."


def _split(coverage: Coverage) -> str:
    return SPLITS.get(coverage.split, coverage.split)
