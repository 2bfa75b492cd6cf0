"""Non-negative least squares one variable at a time: slower, and sure for singular matrices."""

from __future__ import annotations

import numpy as np

TOLERANCE = 1e-12  # relative; what float64 normal equations can tell from rounding
PIVOTS = 100  # per variable; a few are the rule


def active_set(matrix: np.ndarray, target: np.ndarray, rounding: float = 0.0) -> np.ndarray:
    """Returns an exact minimiser over x >= 0 of ``x^T M x / 2 - q^T x``.

    Start from x = 0; free the variable with the largest positive gradient of the residual; solve
    for the free variables; while one of them is not positive, step back to the boundary and bind
    it. Variables whose column depends on the free ones are never freed, so a singular M needs no
    regularisation. Finite, because the objective falls at every change of the set.

    Args:
        matrix: M, symmetric positive semi-definite `[n, n]`, float64, scaled so that its diagonal
            is about 1 (tolerances are relative to that and to `target`).
        target: q, `[n]`, in the range of M.
        rounding: relative error of M. What is dependent up to it counts as dependent, so that the
            solution does not grow with the inverse of noise.

    Reference: Lawson, Hanson, "Solving Least Squares Problems", 1974, chapter 23; on the normal
        equations: Bro, de Jong, "A fast non-negativity-constrained least squares algorithm",
        Journal of Chemometrics, 1997.
    """
    count = len(target)
    x = np.zeros(count)
    free = np.zeros(count, dtype=bool)
    refused = np.zeros(count, dtype=bool)
    tolerance = max(rounding, TOLERANCE)
    scale = np.abs(target).max(initial=0.0)
    if scale == 0.0:
        return x
    gradient = target.copy()
    for _ in range(PIVOTS * count):  # rounding may go round in circles among equally good sets
        candidates = ~free & ~refused & (gradient > tolerance * scale)
        if not candidates.any():
            break
        entering = int(np.argmax(np.where(candidates, gradient, -np.inf)))
        if _depends(matrix, free, entering, tolerance):
            refused[entering] = True
            continue
        free[entering] = True
        x = _settle(matrix, target, x, free)
        if free[entering]:
            refused[:] = False
        else:  # its gradient was rounding: without this the same variable would enter for ever
            refused[entering] = True
        gradient = target - matrix @ x
    return x


def _settle(matrix: np.ndarray, target: np.ndarray, x: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Minimises over the free variables and binds those that would turn negative; edits `free`."""
    while True:
        trial = np.zeros_like(x)
        trial[free] = np.linalg.solve(matrix[np.ix_(free, free)], target[free])
        leaving = np.flatnonzero(free & (trial <= 0))
        if not len(leaving):
            return trial
        start, end = x[leaving], trial[leaving]
        steps = np.divide(start, start - end, out=np.zeros(len(leaving)), where=start > 0)
        x = x + steps.min() * (trial - x)
        # Only what turned negative is bound: the entering variable stays even after a step of zero
        bound = x[leaving] <= TOLERANCE * np.abs(x).max()
        bound[steps.argmin()] = True
        free[leaving[bound]] = False
        x[~free] = 0.0
        if not free.any():
            return x


def _depends(matrix: np.ndarray, free: np.ndarray, entering: int, tolerance: float) -> bool:
    """Returns whether the entering column is, to rounding, a combination of the free ones."""
    if not free.any():
        return bool(matrix[entering, entering] <= 0)
    column = matrix[free, entering]
    rest = matrix[entering, entering] - column @ np.linalg.solve(matrix[np.ix_(free, free)], column)
    return bool(rest <= tolerance * matrix[entering, entering])
