"""Euclidean projection on the simplex."""

from __future__ import annotations

import numpy as np


def project_simplex(point: np.ndarray) -> np.ndarray:
    """Returns the nearest x to `point` with x >= 0 and sum x = 1.

    It is ``x = max(y - tau, 0)``; tau follows from the k largest entries of y, with k the largest
    number for which the k-th of them stays positive.

    Args:
        point: y, `[n]`, n at least 1.

    Example:
        >>> project_simplex(np.array([0.9, 0.6, -1.0])).round(2).tolist()
        [0.65, 0.35, 0.0]

    Reference: Held, Wolfe, Crowder, "Validation of subgradient optimization", Mathematical
        Programming, 1974; Duchi, Shalev-Shwartz, Singer, Chandra, "Efficient Projections onto the
        l1-Ball for Learning in High Dimensions", ICML 2008, figure 1.
    """
    shifted = point - point.max()  # tau is subtracted from numbers of the size of the answer
    descending = np.sort(shifted)[::-1]
    tau = (np.cumsum(descending) - 1) / np.arange(1, len(point) + 1)
    last = np.flatnonzero(descending > tau)[-1]
    nearest = np.maximum(shifted - tau[last], 0)
    result: np.ndarray = nearest / nearest.sum()
    return result
