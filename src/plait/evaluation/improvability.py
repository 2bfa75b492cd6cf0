"""Distances of methods to the best one of each metric."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plait.evaluation.table_of_scores import Array, costs_of


def improvability(table: Any, higher_is_better: Sequence[bool] | None = None) -> Array:
    """Computes the distance of each method to the best one, in per cent of the best.

        I_im = 100 |best_m - value_im| / |best_m|

    0 is the best method of the metric; the mean over metrics is 0 only for a method that is the
    best in all of them. Unlike ranks, it tells a narrow gap from a wide one.

    Args:
        table: `[N, M]`, a row for each method and a column for each metric; NaN where a method has
            no value.
        higher_is_better: direction of each metric; lower is better in all of them by default.

    Returns:
        `[N, M]`, not negative. NaN where a method has no value, and where the best value is 0, to
        which no distance is relative; of a method that has it, 0.

    Raises:
        ShapeError: `table` is not `[N, M]`, or there are not M directions.

    Example:
        >>> improvability([[8.0, 10.0], [6.0, 8.0]], higher_is_better=[True, False]).tolist()
        [[0.0, 25.0], [25.0, 0.0]]
    """
    costs = costs_of(table, higher_is_better)
    best = np.where(np.isnan(costs), np.inf, costs).min(axis=0, initial=np.inf)
    scale = np.where((best == 0) | np.isinf(best), np.nan, np.abs(best))
    with np.errstate(invalid="ignore"):
        distances = 100.0 * (costs - best) / scale
    found: Array = np.where(costs == best, 0.0, distances)
    return found
