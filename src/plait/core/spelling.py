"""Names of labels that look like the name of a task whose labels are missing."""

from __future__ import annotations

import difflib
import re
from functools import lru_cache

from plait.core.errors import DataError

ALIKE = 0.75  # of `difflib`: two letters that changed places in a word of four


@lru_cache(maxsize=256)  # the batches of a data set have the same names
def refuse_misspelt(tasks: tuple[str, ...], labels: tuple[str, ...]) -> None:
    """Raises `DataError` for a label of no task that looks like a task without a label.

    Args:
        tasks: names of all tasks.
        labels: names of the labels of a batch.
    """
    foreign = [name for name in labels if name not in tasks]
    for task in (name for name in tasks if name not in labels):
        for name in foreign:
            if looks_like(name, task):
                raise DataError(
                    f"label {name!r} belongs to no task, and task {task!r} has no labels in this "
                    f"batch. Did you mean {task!r}? Rename the label, or leave it out of the batch."
                )


def looks_like(name: str, other: str) -> bool:
    """Tells whether one name may be the other one misspelt.

    Names that differ in a number, or in a letter behind a separator, are siblings: one is not the
    other misspelt.

    Example:
        >>> looks_like("knid", "kind"), looks_like("Net Weight", "net_weight")
        (True, True)
        >>> looks_like("row_number", "kind"), looks_like("head_a", "head_b")
        (False, False)
    """
    one, two = (re.sub(r"[\W_]", "", each.casefold()) for each in (name, other))
    if one == two:
        return True
    stems = {re.sub(r"\d+|[\W_]\w$", "", each.casefold()).rstrip("_- .") for each in (name, other)}
    if len(stems) == 1:
        return False
    return difflib.SequenceMatcher(None, one, two).ratio() >= ALIKE
