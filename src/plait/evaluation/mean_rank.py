"""Ranks of methods over several metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plait.evaluation.table_of_scores import Array, costs_of


def ranks(table: Any, higher_is_better: Sequence[bool] | None = None) -> Array:
    """Ranks the methods in each metric: 1 is the best, equal ones share the mean of their ranks.

    Args:
        table: `[N, M]`, a row for each method and a column for each metric. A method without a
            value, NaN, is behind all that have one; a column without any value has no ranks.
        higher_is_better: direction of each metric; lower is better in all of them by default.

    Returns:
        `[N, M]`, from 1 to N; NaN in a column without any value.

    Raises:
        ShapeError: `table` is not `[N, M]`, or there are not M directions.

    Example:
        >>> ranks([[0.9], [0.7], [0.9]], higher_is_better=[True]).tolist()
        [[1.5], [3.0], [1.5]]
    """
    costs = costs_of(table, higher_is_better)
    absent = np.isnan(costs)
    costs[absent] = np.inf
    found: Array = np.empty_like(costs)
    for column in range(costs.shape[1]):
        values, places, counts = np.unique(
            costs[:, column], return_inverse=True, return_counts=True
        )
        ends = counts.cumsum()
        found[:, column] = (ends - (counts - 1) / 2)[places] if values.size else 0.0
    found[:, absent.all(axis=0)] = np.nan
    return found


def mean_rank(table: Any, higher_is_better: Sequence[bool] | None = None) -> Array:
    """Computes the mean rank of each method over all metrics.

        MR_i = 1/M sum_m rank_im

    It says in which order methods come, and not by how much one is better; and it depends on which
    other methods are in the table.

    Args:
        table: as for `ranks`; columns without any value are left out.
        higher_is_better: as for `ranks`.

    Returns:
        `[N]`, from 1 to N; NaN without a column that has a value.

    Raises:
        ShapeError: as `ranks`.

    Example:
        >>> mean_rank([[0.9, 5.0], [0.7, 4.0]], higher_is_better=[True, False]).tolist()
        [1.5, 1.5]
    """
    each = ranks(table, higher_is_better)
    known = each[:, ~np.isnan(each).all(axis=0)]
    found: Array = known.mean(axis=1) if known.size else np.full(len(each), np.nan)
    return found
