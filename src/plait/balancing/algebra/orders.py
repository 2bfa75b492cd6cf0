"""Orders in which each task visits the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def among_active(orders: Sequence[Sequence[int]], active: np.ndarray) -> list[list[int]]:
    """Restricts the orders of all tasks to the n tasks with a gradient.

    Args:
        orders: `orders[i]` lists the tasks that task i visits.
        active: positions `[n]` of the tasks with a gradient.

    Returns:
        for each of the n tasks, the others that it visits, numbered from 0 to n - 1.

    Example:
        >>> among_active([[1, 2], [2, 0], [0, 1]], np.array([0, 2]))
        [[1], [0]]
    """
    place = {int(task): position for position, task in enumerate(active)}
    return [[place[j] for j in orders[int(i)] if j in place] for i in active]
