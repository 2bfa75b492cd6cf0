"""Least squares with a symmetric matrix that may be singular."""

from __future__ import annotations

import numpy as np

SLACK = 16  # the eigenvectors carry a few times the error of the matrix


def least_norm(matrix: np.ndarray, target: np.ndarray, rounding: float) -> tuple[np.ndarray, float]:
    """Returns ``M^+ q``, and the share ``|P q|^2 / |q|^2`` of q that is in the range of M.

    Eigenvalues of at most `rounding` times the largest count as 0. The share is 1 if M has full
    rank, and 0 if q is orthogonal to all of its range.

    Args:
        matrix: M, symmetric positive semi-definite `[n, n]`.
        target: q, `[n]`, not 0.
        rounding: relative error of M. Shares that differ from 0 or 1 by a few times as much are 0
            or 1.
    """
    values, vectors = np.linalg.eigh(matrix)
    kept = values > rounding * values[-1]
    parts = vectors[:, kept].T @ target
    share = float(parts @ parts / (target @ target))
    if kept.all() or share >= 1 - SLACK * rounding:
        share = 1.0
    if share <= SLACK * rounding:
        return np.zeros(len(target)), 0.0
    return vectors[:, kept] @ (parts / values[kept]), share
