"""Exact k-means of numbers."""

from __future__ import annotations

import numpy as np


def kmeans_1d(values: np.ndarray, groups: int) -> np.ndarray:
    """Returns the centre of each value's cluster, in the partition of least squared distance.

    On a line the clusters of the best partition are intervals of the sorted values, so that a
    dynamic programme over their ends finds it: no initialisation, no local optimum.

        best_k(j) = min_i best_{k-1}(i) + cost(i, j),    cost(i, j) = squares about the mean of
                                                         the sorted values i, ..., j - 1

    Args:
        values: `[n]`, finite, float64.
        groups: number of clusters, at least 1; with as many as values each is its own centre.

    Cost: O(groups n^2) arithmetic, `[n, n]` memory.

    Example:
        >>> kmeans_1d(np.array([5.0, 1.0, 7.0, 2.0]), 2)
        array([6. , 1.5, 6. , 1.5])

    Reference: Wang, Song, "Ckmeans.1d.dp: Optimal k-means Clustering in One Dimension by Dynamic
        Programming", The R Journal, 2011.
    """
    count = len(values)
    order = np.argsort(values, kind="stable")
    scale = np.abs(values).max(initial=0.0) or 1.0
    means, costs = _intervals(values[order] / scale)
    best = costs[0]
    starts = np.zeros((min(groups, count), count + 1), dtype=int)
    for group in range(1, len(starts)):
        through = best[:, None] + costs  # [start, end]
        starts[group] = through.argmin(axis=0)
        best = through.min(axis=0)

    centres = np.empty(count)
    end = count
    for row in starts[::-1]:
        start = int(row[end])
        centres[order[start:end]] = scale * means[start, end]
        end = start
    return centres


def _intervals(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns mean and squared distances `[start, end]` of each interval, by Welford's recursion.

    The difference of sums of squares would cancel where values are close together.
    """
    count = len(ordered)
    means, costs = np.zeros((2, count + 1, count + 1))
    costs[np.tril_indices(count + 1, -1)] = np.inf
    for end in range(1, count + 1):
        start = np.arange(end)
        change = ordered[end - 1] - means[start, end - 1]
        means[start, end] = means[start, end - 1] + change / (end - start)
        costs[start, end] = costs[start, end - 1] + change * (ordered[end - 1] - means[start, end])
    return means, costs
