"""Losses of larger groups of tasks, predicted from those of pairs (higher-order approximation)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plait.core.errors import ConfigError, DataError, ShapeError, unknown
from plait.relations.conflict import Floats


def hoa_losses(pairwise: Any, groups: Sequence[Sequence[str]], *, tasks: Sequence[str]) -> Floats:
    """Predicts the loss of each task in each group from networks of two tasks.

        loss of j in G = mean_(i in G, i != j) P_ij,   P_jj for G = {j}

    `choose_among` takes the result with its sign turned, since there higher is better.

    Args:
        pairwise: P, `[T, T]`: the measured loss of the column's task when it is trained with the
            row's task; alone on the diagonal. Any measure that is better when lower.
        groups: names of the tasks of each group, N groups.
        tasks: names of the rows and columns, T.

    Returns:
        The predicted losses, `[N, T]`; NaN where a task is not in the group.

    Raises:
        ShapeError: `pairwise` is not `[T, T]`.
        ConfigError: an unknown task, or an empty group.
        DataError: a loss is NaN or infinite.

    Reference: Standley, Zamir, Chen, Guibas, Malik, Savarese, "Which Tasks Should Be Learned
        Together in Multi-task Learning?", ICML 2020.

    Example:
        >>> pairs = [[0.5, 0.2, 0.4], [0.3, 0.4, 0.6], [0.7, 0.3, 0.5]]
        >>> hoa_losses(pairs, [("a",), ("a", "b", "c")], tasks=["a", "b", "c"])
        array([[0.5 ,  nan,  nan],
               [0.5 , 0.25, 0.5 ]])
    """
    matrix = np.asarray(pairwise, dtype=np.float64)
    if matrix.shape != (len(tasks), len(tasks)):
        raise ShapeError(
            f"`pairwise` must be [{len(tasks)}, {len(tasks)}], a row and a column a task; found "
            f"{list(matrix.shape)}."
        )
    if not np.isfinite(matrix).all():
        raise DataError("`pairwise` has a loss that is NaN or infinite. Train that pair first.")
    found = np.full((len(groups), len(tasks)), np.nan)
    place = {task: number for number, task in enumerate(tasks)}
    for row, group in zip(found, groups, strict=True):
        for task in group:
            if task not in place:
                raise ConfigError(unknown("task", task, tasks))
        if not group:
            raise ConfigError("a group of `groups` is empty. Name one task in it at least.")
        at = np.array([place[task] for task in group])
        inner = matrix[np.ix_(at, at)]
        if len(at) == 1:
            row[at] = inner[0]
        else:
            row[at] = (inner.sum(axis=0) - inner.diagonal()) / (len(at) - 1)
    return found
