"""The graph that joins related tasks, and its Laplacian."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from plait.core.errors import ConfigError, unknown

Graph = str | Sequence[Sequence[float]] | Mapping[str, float]


def adjacency(graph: Graph, tasks: Sequence[str]) -> Tensor:
    """Returns the weights between the tasks, `[T, T]`, float64, symmetric.

    Args:
        graph: "chain" joins each task with the next, with weight 1; or a matrix in the order of the
            tasks; or ``{"s - t": weight}`` of the pairs that are joined.
        tasks: the names of the tasks in order.

    Raises:
        ConfigError: it is none of these, names an unknown pair or one twice, or the matrix is not
            symmetric, of another size, or has a weight that is negative or not finite.

    Example:
        >>> adjacency({"a - c": 0.5}, ["a", "b", "c"]).tolist()
        [[0.0, 0.0, 0.5], [0.0, 0.0, 0.0], [0.5, 0.0, 0.0]]
    """
    if isinstance(graph, Mapping):
        matrix = _of_pairs(graph, tasks)
    elif not isinstance(graph, str):
        matrix = _of_lists(graph, tasks)
    elif graph == "chain":
        matrix = torch.diag(torch.ones(len(tasks) - 1, dtype=torch.float64), 1)
        matrix = matrix + matrix.T
    else:
        raise ConfigError(
            f"`graph` must be 'chain', a matrix or pairs of tasks; found {graph!r}. "
            f"Example of pairs: {{'{' - '.join(list(tasks)[:2])}': 1.0}}."
        )
    wrong = ~(matrix.isfinite() & (matrix >= 0))
    if wrong.any():
        raise ConfigError(
            "a weight of `graph` must be at least 0 and finite, or R has no minimum; found "
            f"{float(matrix[wrong][0])}. Leave out the tasks that are not alike."
        )
    return matrix


def laplacian(weights: Tensor) -> Tensor:
    """Returns ``L = D - A``, with D the row sums on the diagonal.

    Example:
        >>> laplacian(torch.tensor([[0.0, 2.0], [2.0, 0.0]])).tolist()
        [[2.0, -2.0], [-2.0, 2.0]]
    """
    return torch.diag(weights.sum(dim=1)) - weights


def _of_pairs(graph: Mapping[str, float], tasks: Sequence[str]) -> Tensor:
    pairs = {f"{s} - {t}": (i, j) for (i, s), (j, t) in combinations(enumerate(tasks), 2)}
    known = pairs | {f"{tasks[j]} - {tasks[i]}": (i, j) for i, j in pairs.values()}
    matrix = torch.zeros(len(tasks), len(tasks), dtype=torch.float64)
    given: dict[tuple[int, int], str] = {}
    for name, weight in graph.items():
        if name not in known:
            raise ConfigError(unknown("pair of tasks in `graph`", name, pairs))
        i, j = known[name]
        if (i, j) in given:
            raise ConfigError(
                f"`graph` has {name!r} and {given[i, j]!r}, which are one pair; the graph has no "
                "direction. Leave one out."
            )
        given[i, j] = name
        matrix[i, j] = matrix[j, i] = _number(weight)
    return matrix


def _of_lists(graph: Sequence[Sequence[float]], tasks: Sequence[str]) -> Tensor:
    sizes = [len(row) if isinstance(row, Sequence) else None for row in graph]
    if sizes != [len(tasks)] * len(tasks):
        raise ConfigError(
            f"`graph` must have one row and one column for each of the {len(tasks)} tasks "
            f"({', '.join(tasks)}); found rows of {sizes}."
        )
    matrix = torch.tensor([[_number(x) for x in row] for row in graph], dtype=torch.float64)
    for i, j in combinations(range(len(tasks)), 2):
        if matrix[i, j] != matrix[j, i] and not (matrix[i, j].isnan() or matrix[j, i].isnan()):
            raise ConfigError(
                f"`graph` must be symmetric: two tasks are as alike as they are; found "
                f"{float(matrix[i, j])} for {tasks[i]!r}, {tasks[j]!r} and {float(matrix[j, i])} "
                "for the reverse. Take their mean, or use Asymmetric."
            )
    return matrix


def _number(weight: Any) -> float:
    if isinstance(weight, bool) or not isinstance(weight, int | float):
        raise ConfigError(f"a weight of `graph` must be a number; found {weight!r}.")
    return float(weight)
