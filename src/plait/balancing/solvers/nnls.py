"""Non-negative least squares on the normal equations."""

from __future__ import annotations

import numpy as np

from plait.balancing.solvers.active_set import TOLERANCE, active_set

LARGE = 100  # entries of all targets, from which a better first guess pays
SMALL = 12  # variables, up to which masking a system is faster than cutting it out
ROUNDS = 12  # of block pivoting; 3 to 5 are the rule, more mean that it goes in circles


def nnls(
    matrix: np.ndarray,
    targets: np.ndarray,
    rounding: float = 0.0,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """Returns the exact minimiser over x >= 0 of ``x^T M x / 2 - q^T x``, for one or many q.

    Block principal pivoting: guess which variables are free; solve for them; bind those that came
    out negative and free the bound ones whose gradient is negative, all at once; repeat until
    there is none. The signs certify the answer, whatever the guess was. All q go through it
    together. It needs every set of columns to be independent, and may go round in circles; then
    `active_set`, which always ends, takes over.

    Args:
        matrix: M, symmetric positive semi-definite `[n, n]`, float64, scaled so that its diagonal
            is about 1 (tolerances are relative to that and to each target).
        targets: q, `[n]` or `[r, n]`, in the range of M.
        rounding: relative error of M. What is dependent up to it counts as dependent, so that the
            solution does not grow with the inverse of noise.
        start: the first guess, `[n]` of bool; by default the variables with a positive target.

    Returns:
        x, in the shape of `targets`.

    Reference: Kim, Park, "Fast Nonnegative Matrix Factorization: An Active-Set-Like Method and
        Comparisons", SIAM Journal on Scientific Computing, 2011, section 4; Portugal, Judice,
        Vicente, "A comparison of block pivoting and interior-point algorithms for linear least
        squares problems with nonnegative variables", Mathematics of Computation, 1994.
    """
    rows = np.atleast_2d(targets)
    x = np.zeros(rows.shape)
    if not (rows > 0).any():  # 0 is optimal: the gradient there is -q
        return x.reshape(targets.shape)
    open_ = np.arange(len(rows))
    if all_independent(matrix, max(rounding, TOLERANCE)):
        free = _guess(matrix, rows) if start is None else np.broadcast_to(start, rows.shape)
        open_ = _pivot_blocks(matrix, rows, free, x)
    for row in open_:
        x[row] = active_set(matrix, rows[row], rounding)
    return x.reshape(targets.shape)


def all_independent(matrix: np.ndarray, tolerance: float) -> bool:
    """Tells whether no column is, up to the tolerance, a combination of the others.

    What is left of column j beside all the others is 1 / (M^-1)_jj; beside fewer it is more.
    Rounding may turn the sign of an entry that is about infinite.
    """
    try:
        inverse = np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        return False
    grown = inverse.diagonal() * matrix.diagonal()
    return bool(((grown > 0) & (tolerance * grown < 1)).all())


def _guess(matrix: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Returns a first guess of the free variables, bool in the shape of `targets`.

    Some steps of the accelerated projected gradient method, in single precision, cost less than one
    round where many large systems have to be solved in each.
    """
    if targets.size < LARGE or len(targets) == 1:
        return targets > 0
    small, wanted = matrix.astype(np.float32), (targets / np.abs(targets).max()).astype(np.float32)
    fourth = np.linalg.matrix_power(small, 4)
    step = 1 / np.abs(fourth).sum(axis=0).max() ** 0.25  # no norm is below the largest eigenvalue
    kept = np.eye(len(small), dtype=np.float32) - step * small
    x = ahead = np.zeros_like(wanted)
    for number in range(8 + len(matrix) // 16):
        before, x = x, np.maximum(ahead @ kept + step * wanted, 0)
        ahead = x + number / (number + 3) * (x - before)
    free: np.ndarray = x > 0
    return free


def _pivot_blocks(
    matrix: np.ndarray, targets: np.ndarray, free: np.ndarray, x: np.ndarray
) -> np.ndarray:
    """Writes the solutions found into `x`; returns the rows that are still open."""
    open_ = np.arange(len(targets))
    floor = -TOLERANCE * np.abs(targets).max(axis=1, keepdims=True, initial=0.0)
    for _ in range(ROUNDS):
        trial = _solve_free(matrix, targets, free)
        gradient = trial @ matrix - targets
        wrong = np.where(free, trial < 0, gradient < floor)
        again = wrong.any(axis=1)
        if not again.any():
            x[open_] = trial
            return open_[:0]
        done = ~again
        x[open_[done]] = trial[done]
        open_, targets, floor = open_[again], targets[again], floor[again]
        free = (free ^ wrong)[again]
    return open_


def _solve_free(matrix: np.ndarray, targets: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Returns for each row the x with ``(M x)_F = q_F`` and zeros outside F."""
    if len(matrix) <= SMALL and len(targets) > 1:
        return _solve_masked(matrix, targets, free)
    x = np.zeros(targets.shape)
    for row, (target, chosen) in enumerate(zip(targets, free, strict=True)):
        its_own = chosen.nonzero()[0]
        block = matrix.take(its_own, 0).take(its_own, 1)
        x[row, its_own] = np.linalg.solve(block, target[its_own])
    return x


def _solve_masked(matrix: np.ndarray, targets: np.ndarray, free: np.ndarray) -> np.ndarray:
    """The systems keep their size; what is bound is a one on the diagonal."""
    both = free[:, :, None] & free[:, None, :]
    blocks = np.where(both, matrix, np.eye(len(matrix)))
    x: np.ndarray = np.linalg.solve(blocks, (targets * free)[..., None])[..., 0]
    return x
