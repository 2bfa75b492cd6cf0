"""Projection on the simplex."""

from __future__ import annotations

import numpy as np


def project_simplex(y: np.ndarray) -> np.ndarray:
    """Returns the point of ``{w >= 0, sum w = 1}`` nearest to y `[n]`.

    It is ``max(y - tau, 0)``; sorted, the k largest entries stay positive, k the largest number for
    which the k-th is above ``tau_k = (sum of the k largest - 1) / k``.

    Example:
        >>> project_simplex(np.array([0.5, 1.5, -1.0])).tolist()
        [0.0, 1.0, 0.0]

    Reference: Held, Wolfe, Crowder, "Validation of subgradient optimization", Mathematical
        Programming, 1974.
    """
    descending = np.sort(y)[::-1]
    thresholds = (np.cumsum(descending) - 1.0) / np.arange(1, len(y) + 1)
    positive = np.flatnonzero(descending > thresholds)[-1]
    result: np.ndarray = np.maximum(y - thresholds[positive], 0.0)
    return result
