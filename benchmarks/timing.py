"""Ratios that hold on a machine whose speed drifts: what is compared runs in turn, step by step."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

TRIMMED = 0.1  # share of the pairs left out at each end: other work on the machine


def mean_ratio(pairs: Sequence[tuple[float, float]]) -> float:
    """Returns the mean of a over the mean of b, without the pairs whose ratio is most extreme.

    Example:
        >>> mean_ratio([(2.0, 1.0)] * 8 + [(90.0, 1.0), (1.0, 90.0)])
        2.0
    """
    ordered = sorted(pairs, key=lambda pair: pair[0] / pair[1])
    cut = int(len(ordered) * TRIMMED)
    kept = ordered[cut : len(ordered) - cut]
    return sum(a for a, _ in kept) / sum(b for _, b in kept)


def quartiles(pairs: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Returns the quartiles of the ratios of all pairs."""
    low, middle, high = statistics.quantiles([a / b for a, b in pairs], n=4)
    return low, middle, high
