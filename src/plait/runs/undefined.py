"""Metrics that the labels do not define, as sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

UNDEFINED = "undefined"  # in place of a number
MOST_TASKS = 6  # that are named for one reason


def because(undefined: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Says which metrics are undefined and why: a sentence for each reason, without its full stop.

    Args:
        undefined: `{task: {metric: reason}}`, as an `Evaluation` has them.

    Example:
        >>> because({"a": {"auroc": "all labels are 'no'"}, "b": {"auroc": "all labels are 'no'"}})
        ["auroc of a and b is undefined, because all labels are 'no'"]
    """
    found: dict[tuple[str, bool, str], list[str]] = {}
    for task, reasons in undefined.items():
        for reason in dict.fromkeys(reasons.values()):
            metrics = [metric for metric, each in reasons.items() if each == reason]
            found.setdefault((_listed(metrics), len(metrics) > 1, reason), []).append(task)
    return [
        f"{metrics} of {_named(tasks)} {'are' if several else 'is'} undefined, because {reason}"
        for (metrics, several, reason), tasks in found.items()
    ]


def _named(tasks: Sequence[str]) -> str:
    more = len(tasks) - MOST_TASKS
    return _listed([*tasks[:MOST_TASKS], f"{more} more"] if more > 0 else tasks)


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
