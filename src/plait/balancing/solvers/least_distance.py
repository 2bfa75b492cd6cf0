"""The shortest vector that satisfies linear inequalities."""

from __future__ import annotations

import numpy as np

from plait.balancing.solvers.nnls import nnls


def least_distance(
    cosines: np.ndarray, margins: np.ndarray, rounding: float = 0.0
) -> np.ndarray | None:
    """Returns the multipliers y >= 0 of the shortest x with ``c_j^T x >= h_j`` for all j.

    They give it as ``x = sum_j y_j c_j``. Non-negative least squares finds them without a look at
    x: for the z >= 0 that minimises ``|sum_j z_j (c_j, h_j) - (0, 1)|^2``, the residual's square is
    ``1 - h^T z = 1 / (1 + |x|^2)`` and y is z over it. It is 0 just where no x satisfies all
    inequalities. Dependent vectors need no care, as the target lies in the range in any case.

    Args:
        cosines: inner products `[n, n]` of the vectors c_j, which have length 1.
        margins: h, `[n]`.
        rounding: relative error of the cosines.

    Returns:
        y, `[n]`; None if there is no such x.

    Example: both coordinates are to be at least 1.
        >>> least_distance(np.eye(2), np.array([1.0, 1.0])).round(9)
        array([1., 1.])

    Reference: Lawson, Hanson, "Solving Least Squares Problems", 1974, chapter 23, section 4.
    """
    size = margins.max(initial=0.0)
    if size < np.finfo(float).tiny:
        return np.zeros(len(margins))
    wanted = margins / size  # of any size: x is found in its units
    shares = 1 / np.hypot(1.0, wanted)  # by which (c_j, h_j) gets length 1
    target = wanted * shares
    scaled = cosines * (shares[:, None] * shares) + np.outer(target, target)
    z = nnls(scaled, target, rounding)
    residual = 1 - target @ z
    null = 4 * max(rounding, len(margins) * float(np.finfo(float).eps))
    if residual <= null * z.sum() ** 2:
        return None
    multipliers: np.ndarray = size * (shares * z / residual)
    return multipliers
