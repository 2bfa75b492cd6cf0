"""Numbers as a diagnosis has them: plain floats of four digits, None for what is not known."""

from __future__ import annotations

import math

import numpy as np

from plait.runs.diagnosis import Matrix, Number


def number(value: float) -> Number:
    """Returns a number of four significant digits; None for one that is not finite.

    Example:
        >>> number(0.123456), number(float("nan"))
        (0.1235, None)
    """
    return float(f"{value:.4g}") if math.isfinite(value) else None


def matrix(values: np.ndarray) -> Matrix:
    """Returns a matrix as lists of such numbers."""
    return [[number(value) for value in row] for row in values.tolist()]


def mean(values: np.ndarray) -> np.ndarray:
    """Returns the mean over the first axis of what is known; NaN where nothing is."""
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    count = known.sum(axis=0)
    found: np.ndarray = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    return found
