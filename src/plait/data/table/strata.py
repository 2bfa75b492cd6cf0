"""Labels of tasks as codes of strata: classes as they are, numbers in bins of their quantiles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

MOST_BINS = 10
ROWS_OF_A_BIN = 3  # that the smallest split should get of each bin


def strata_of(labels: Iterable[Any], smallest: float) -> Array:
    """Returns the stratum of each row for each task and label column: `[N, T]`, -1 where missing.

    Args:
        labels: of each task, as `labels_of` gives them: whole numbers `[N]` are classes, below 0
            where missing; floats `[N]` or `[N, K]` are columns of numbers, or of 0 and 1, and
            `[N, K, 2]` the least and the greatest that a number may be; NaN where missing.
        smallest: the share of the smallest split, from 0 to 1: few rows make few bins.
    """
    columns: list[Array] = []
    for each in map(np.asarray, labels):
        if each.dtype.kind in "iu":
            columns.append(np.where(each < 0, -1, each))
        else:
            columns += [_strata_of_numbers(column, smallest) for column in _columns(each)]
    return np.stack(columns, axis=1).astype(np.int32)


def _columns(labels: Array) -> Array:
    """Returns labels as columns of numbers `[K, N]`; a bound counts as the number it is."""
    if labels.ndim == 3:
        low, high = labels[..., 0], labels[..., -1]
        labels = np.where(np.isinf(low), high, low)
    return labels.reshape(len(labels), -1).T


def _strata_of_numbers(values: Array, smallest: float) -> Array:
    """Returns the bin of each number; -1 for NaN.

    A value that many rows have, such as 0 or a class, is a bin of its own; the others are divided
    at their quantiles.
    """
    strata = np.full(len(values), -1)
    labelled = ~np.isnan(values)
    distinct, place, counts = np.unique(values[labelled], return_inverse=True, return_counts=True)
    if len(distinct) == 0:
        return strata
    alone = counts * MOST_BINS > counts.sum()
    rest = np.where(alone, 0, counts)
    bins = np.clip(int(rest.sum() * smallest / ROWS_OF_A_BIN), 1, MOST_BINS)
    middle = np.cumsum(rest) - rest / 2
    binned = (middle * bins / max(1, rest.sum())).astype(int)
    strata[labelled] = np.where(alone, MOST_BINS + np.cumsum(alone), binned)[place]
    return strata
