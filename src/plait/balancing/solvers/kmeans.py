"""Exact k-means of numbers on a line."""

from __future__ import annotations

from itertools import pairwise

import numpy as np


def kmeans_1d(values: np.ndarray, groups: int) -> np.ndarray:
    """Returns for each value the mean of its group, in the best division into `groups` groups.

    Best means least ``sum_i (v_i - centre_i)^2``. On a line the best groups are runs of the sorted
    values, so a dynamic programme over their ends finds them, without a start at random:

        cost[k, j] = min over i < j of cost[k - 1, i] + spread of the sorted values i to j - 1

    Args:
        values: v, `[n]`.
        groups: at least 1; with as many groups as values or more, each value is its own centre.

    Returns:
        The centres `[n]`, in the order of `values`.

    Example:
        >>> kmeans_1d(np.array([1.0, 9.0, 2.0, 10.0]), 2).tolist()
        [1.5, 9.5, 1.5, 9.5]

    Cost: O(groups n^2).

    Reference: Wang, Song, "Ckmeans.1d.dp: Optimal k-means Clustering in One Dimension by Dynamic
        Programming", The R Journal, 2011.
    """
    count = len(values)
    if groups >= count:
        return values.copy()
    order = np.argsort(values, kind="stable")
    spread = _spreads(values[order])
    cost = spread[0]  # of one group over the first j values
    starts = []
    for _ in range(groups - 1):
        total = cost[:, None] + spread  # [i, j]: the last group is i to j - 1
        starts.append(total.argmin(axis=0))
        cost = total.min(axis=0)
    ends = [count]
    for start in reversed(starts):
        ends.append(int(start[ends[-1]]))
    centres = np.empty(count)
    for begin, end in pairwise([0, *reversed(ends)]):
        run = order[begin:end]
        if len(run):  # equal values may need fewer groups
            centres[run] = values[run].mean()
    return centres


def _spreads(ordered: np.ndarray) -> np.ndarray:
    """Returns ``[i, j]``: the sum of squares about their mean of the values i to j - 1, i <= j."""
    count = len(ordered)
    spread = np.full((count + 1, count + 1), np.inf)
    np.fill_diagonal(spread, 0.0)
    for begin in range(count):
        # Differences from the first value: sums of squares of large numbers would cancel
        run = ordered[begin:] - ordered[begin]
        number = np.arange(1, count - begin + 1)
        squares = np.cumsum(run**2) - np.cumsum(run) ** 2 / number
        spread[begin, begin + 1 :] = np.maximum(squares, 0.0)
    return spread
