"""Projection on the simplex."""

from __future__ import annotations

import numpy as np


def project_simplex(y: np.ndarray) -> np.ndarray:
    """Returns the nearest point to `y` `[n]` with non-negative entries that add up to 1.

    It is ``max(y - tau, 0)``; sorting finds the threshold tau exactly, in O(n log n).

    Reference: Held, Wolfe, Crowder, "Validation of subgradient optimization", Mathematical
        Programming, 1974.
    """
    falling = np.sort(y)[::-1]
    thresholds = (np.cumsum(falling) - 1.0) / np.arange(1, len(y) + 1)
    tau = thresholds[np.flatnonzero(falling > thresholds)[-1]]
    projected: np.ndarray = np.maximum(y - tau, 0.0)
    return projected
