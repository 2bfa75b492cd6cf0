"""Tasks that predict one class only, as a sentence."""

from __future__ import annotations

from collections.abc import Mapping

MOST_TASKS = 6  # that are named


def only_one(found: Mapping[str, str], data: str = "the validation data") -> str:
    """Says which tasks predict one class only where their labels have more, and what may help.

    Args:
        found: `{task: the class}`, as an `Evaluation` has them.
        data: that was predicted.

    Returns:
        two sentences; "" if there is no such task.

    Example:
        >>> only_one({"mask": "nothing"}, "this table").partition(". ")[0]
        "on this table, one class only is predicted, and labels have more: 'nothing' by mask"
    """
    if not found:
        return ""
    named = [f"{value!r} by {task}" for task, value in list(found.items())[:MOST_TASKS]]
    more = len(found) - MOST_TASKS
    if more > 0:
        named.append(f"and one by each of {more} more")
    return (
        f"on {data}, one class only is predicted, and labels have more: {', '.join(named)}. Train "
        "longer, or give rare classes more say, by these options of the task: class_weights: "
        "balanced (or sqrt); for masks and tags also prior: labels and dice: 1. A yes or no is "
        "ranked by its probability all the same."
    )
