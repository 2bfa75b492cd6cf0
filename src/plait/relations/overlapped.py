"""Groups of many tasks that may overlap: blocks of served tasks, and the tasks that help them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plait.relations.blocks import with_helpers
from plait.relations.conflict import Floats

ROUNDS = 50  # of reassignment, a bound that no search comes near


def overlapped(matrix: Floats, alone: Floats, blocks: Sequence[Sequence[int]]) -> list[list[int]]:
    """Returns groups that serve all tasks at least as well as the blocks do by themselves.

    In turn, each block is given the best helpers, and each task to the group that serves it best,
    as long as the mean gain grows.

    Args:
        matrix: affinities `[T, T]`, rows are sources; 0 on the diagonal.
        alone: gain of each task alone, `[T]`.
        blocks: a partition of the tasks.
    """
    groups = [with_helpers(matrix, alone, block) for block in blocks]
    total = _served(matrix, alone, groups, joining=False).max(axis=0).sum()
    for _ in range(ROUNDS):
        labels = _served(matrix, alone, groups, joining=True).argmax(axis=0)
        parted = [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]
        new = [with_helpers(matrix, alone, block) for block in parted]
        value = _served(matrix, alone, new, joining=False).max(axis=0).sum()
        if not value > total:
            break
        groups, total = new, value
    return groups


def _served(
    matrix: Floats, alone: Floats, groups: Sequence[Sequence[int]], *, joining: bool
) -> Floats:
    """Returns the gain of each task in each group, `[N, T]`.

    Of tasks outside it -inf, or if `joining` what they would gain as one more member.
    """
    found = np.full((len(groups), len(matrix)), -np.inf)
    for row, group in zip(found, groups, strict=True):
        inside = np.zeros(len(matrix), dtype=bool)
        inside[list(group)] = True
        sums = matrix[inside].sum(axis=0)
        if joining:
            row[~inside] = sums[~inside] / len(group)
        row[inside] = alone[inside] if len(group) == 1 else sums[inside] / (len(group) - 1)
    return found
