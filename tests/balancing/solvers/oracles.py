"""Slow and obvious solutions for the tests of the small solvers."""

import itertools

import numpy as np


def normalised(jacobian: np.ndarray) -> np.ndarray:
    """The cosines of the rows that are not zero."""
    norms = np.linalg.norm(jacobian, axis=1)
    rows = jacobian[norms > 0] / norms[norms > 0, None]
    return rows @ rows.T


def objective(matrix: np.ndarray, target: np.ndarray, x: np.ndarray) -> float:
    return float(x @ matrix @ x / 2 - target @ x)


def best_of_all_sets(matrix: np.ndarray, target: np.ndarray) -> float:
    """The least objective over all sets of free variables."""
    best = 0.0
    for size in range(1, len(target) + 1):
        for chosen in itertools.combinations(range(len(target)), size):
            free = list(chosen)
            x = np.zeros(len(target))
            x[free] = np.linalg.pinv(matrix[np.ix_(free, free)], rcond=1e-10) @ target[free]
            if (x >= 0).all():
                best = min(best, objective(matrix, target, x))
    return best
