"""The point of a convex hull that is nearest to the origin."""

from __future__ import annotations

import numpy as np

from plait.balancing.solvers.nnls import nnls


def min_norm(gramian: np.ndarray, rounding: float = 0.0) -> np.ndarray:
    """Returns w on the simplex that minimises ``|J^T w|^2 = w^T G w``, exactly.

    With x = t w, sum w = 1, and s the largest diagonal entry, ``x^T (G/s + 1 1^T) x / 2 - sum x``
    is, but for a constant, ``t^2 |J^T w|^2 / 2s + (t - 1)^2 / 2``, whose least value over t rises
    with |J^T w|: the minimiser over x >= 0 points to w. The vector J^T w is unique; w is not if
    the rows that it uses are dependent.

    Args:
        gramian: G, `[n, n]` positive semi-definite, float64.
        rounding: relative error of G; see `nnls`.

    Example:
        >>> min_norm(np.array([[1.0, 0.0], [0.0, 3.0]])).round(6).tolist()
        [0.75, 0.25]
    """
    scale = np.diag(gramian).max()
    if not scale > 0:
        return np.full(len(gramian), 1.0 / len(gramian))
    x = nnls(gramian / scale + 1.0, np.ones(len(gramian)), rounding)
    result: np.ndarray = x / x.sum()
    return result


def zero_in_hull(matrix: np.ndarray, null: float) -> bool:
    """Tells whether 0 lies, up to rounding, in the convex hull of rows with these inner products.

    Args:
        matrix: M, `[n, n]`, with a diagonal of 1.
        null: the square of a length that counts as zero.
    """
    y = nnls(matrix + 1, np.ones(len(matrix)), null / 4)  # the shortest vector, times a factor
    return bool(y @ matrix @ y <= null * y.sum() ** 2)
