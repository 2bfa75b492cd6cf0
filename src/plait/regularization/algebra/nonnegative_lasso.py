"""Each vector as a sparse non-negative combination of the others."""

from __future__ import annotations

import numpy as np

SWEEPS = 200
TOLERANCE = 1e-12  # of a coefficient's change in one sweep


def combine_others(
    gram: np.ndarray, sparsity: float, start: np.ndarray | None = None
) -> np.ndarray:
    """Returns the minimiser of ``sum_t |w_t - sum_s B_st w_s|^2 + mu sum |B|``, B >= 0, diag B = 0.

    Coordinate descent over the rows of B, for all columns at once. The problem is convex, and every
    step lowers the sum; with vectors that are almost dependent it goes on from call to call.

    Args:
        gram: the inner products of the vectors, `[T, T]`, float64.
        sparsity: mu, at least 0.
        start: a B to begin with, such as the last one; 0 by default.

    Returns:
        B, `[T, T]`: column t holds what makes up w_t.

    Example:
        >>> w = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 1.0]])
        >>> combine_others(w @ w.T, 0.0)[:, 2].round(6).tolist()
        [2.0, 1.0, 0.0]
    """
    combined = np.zeros_like(gram) if start is None else start.copy()
    present = np.flatnonzero(np.diag(gram) > 0)
    for _ in range(SWEEPS):
        largest = 0.0
        for s in present:
            rest = gram[s] - gram[s] @ combined + gram[s, s] * combined[s]
            new = np.maximum(rest - sparsity / 2, 0) / gram[s, s]
            new[s] = 0.0
            largest = max(largest, float(np.abs(new - combined[s]).max()))
            combined[s] = new
        if largest < TOLERANCE:
            break
    return combined
