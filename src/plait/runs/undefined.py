"""Metrics that the labels do not define, as sentences."""

from __future__ import annotations

from collections.abc import Mapping

from plait.core.sentences import MOST_NAMES, listed

UNDEFINED = "undefined"  # in place of a number


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
            found.setdefault((listed(metrics), len(metrics) > 1, reason), []).append(task)
    return [
        f"{metrics} of {listed(tasks, MOST_NAMES)} {'are' if several else 'is'} undefined, because "
        f"{reason}"
        for (metrics, several, reason), tasks in found.items()
    ]
