"""Holm's correction of several p-values."""

from __future__ import annotations

import math
from collections.abc import Sequence


def holm(p: Sequence[float]) -> list[float]:
    """Adjusts p-values so that "below 0.05" is said wrongly in one of 20 families at most.

        adjusted_(i) = max_(j <= i) min(1, (n - j + 1) p_(j))

    with p_(1) <= ... <= p_(n). The chance of any wrong rejection among all n is then at most the
    level, whatever the p-values have to do with each other.

    Args:
        p: each in 0..1; NaN, where nothing is tested, stays NaN and does not count in n.

    Returns:
        The adjusted p-values in the order of `p`.

    Reference: Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal
        of Statistics 1979.

    Example:
        >>> holm([0.01, 0.04, 0.03, float("nan")])
        [0.03, 0.06, 0.06, nan]
    """
    tested = sorted((value, place) for place, value in enumerate(p) if not math.isnan(value))
    adjusted, before = [math.nan] * len(p), 0.0
    for smaller, (value, place) in enumerate(tested):
        before = max(before, min(1.0, (len(tested) - smaller) * value))
        adjusted[place] = before
    return adjusted
