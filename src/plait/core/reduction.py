"""The two ways to reduce losses: to means over each task's own labels, or over all labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Reduction = Literal["task", "label"]


def label_shares(counts: Mapping[str, float]) -> dict[str, float]:
    """Returns each task's share of all labels, ``n_t / sum_s n_s``.

    A mean over the task's own labels, times this share, is an addend of the mean over all labels:
    ``sum_t (n_t / N) L_t = sum_ti loss_ti / N`` with ``N = sum_s n_s``.

    Args:
        counts: `{task: n_t}`, the mass of its labels, above 0 in all; no tasks, no shares.

    Example:
        >>> label_shares({"a": 3.0, "b": 1.0})
        {'a': 0.75, 'b': 0.25}
    """
    total = sum(counts.values())
    return {task: count / total for task, count in counts.items()}
