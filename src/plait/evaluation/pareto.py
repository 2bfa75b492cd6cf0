"""The Pareto front of points with several objectives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plait.evaluation.table_of_scores import Array, costs_of


def pareto_front(points: Any, higher_is_better: Sequence[bool] | None = None) -> Array:
    """Finds the points that no other one dominates.

    A point dominates another one if it is at least as good in all objectives, and better in one.
    Equal points do not dominate each other: both are on the front, or none.

    Args:
        points: `[N, D]`, a row for each point and a column for each objective. A point with NaN is
            not on the front, and dominates none.
        higher_is_better: direction of each objective; lower is better in all of them by default.

    Returns:
        `[N]`, boolean, True for the points on the front.

    Raises:
        ShapeError: `points` are not `[N, D]`, or there are not D directions.

    Cost: O(N F D) for F points on the front.

    Example:
        >>> pareto_front([[1.0, 3.0], [2.0, 2.0], [2.0, 3.0]]).tolist()
        [True, True, False]
    """
    return front_of(costs_of(points, higher_is_better, name="points"))


def front_of(costs: Array) -> Array:
    """Finds the points that no other one dominates, where lower is better in all objectives."""
    found = np.array(~np.isnan(costs).any(axis=1))
    # a point comes behind all that dominate it
    order = np.lexsort(costs.T[::-1])
    front = np.empty((0, costs.shape[1]))
    for place in order[found[order]]:
        point = costs[place]
        if ((front <= point).all(axis=1) & (front < point).any(axis=1)).any():
            found[place] = False
        else:
            front = np.vstack([front, point])
    return found
