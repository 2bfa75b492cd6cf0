"""Orders in which each task visits the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def visits(
    generator: np.random.Generator, active: np.ndarray, given: Sequence[Sequence[int]] | None
) -> np.ndarray:
    """Returns the task that each of n tasks visits at each of n - 1 times, `[n - 1, n]`.

    Every task visits all others once.

    Args:
        generator: draws the orders, one after the other, where none are given.
        active: positions `[n]` of the tasks with a gradient.
        given: the orders of all tasks; see `among_active`.

    Example:
        >>> visits(np.random.default_rng(0), np.array([0, 2]), [[1, 2], [2, 0], [1, 0]]).tolist()
        [[1, 0]]
    """
    tasks = len(active)
    if given is None:
        others = np.arange(tasks - 1)
        others = others + (others >= np.arange(tasks)[:, None])  # all but the task itself
        orders = generator.permuted(others, axis=1)
    else:
        orders = np.array(among_active(given, active), dtype=int).reshape(tasks, -1)
    return orders.T


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
