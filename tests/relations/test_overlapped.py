"""Overlapping groups serve all at least as well, and often as well as can be."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.relations import choose_groups
from plait.relations.greedy import cluster
from plait.relations.overlapped import overlapped


def served(matrix: np.ndarray, groups: list[list[int]]) -> float:
    """The sum of the best gains, by the definition; 0 alone."""
    total = 0.0
    for task in range(len(matrix)):
        gains = [
            sum(matrix[other, task] for other in group if other != task) / max(len(group) - 1, 1)
            for group in groups
            if task in group
        ]
        total += max(gains)
    return total


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(2, 9), st.integers(1, 4))
def test_helpers_never_make_it_worse(seed: int, tasks: int, most: int) -> None:
    matrix = np.random.default_rng(seed).normal(size=(tasks, tasks))
    np.fill_diagonal(matrix, 0.0)
    blocks = cluster(matrix, np.zeros(tasks), most, 0.0)
    groups = overlapped(matrix, np.zeros(tasks), blocks)
    assert len(groups) <= most and set().union(*groups) == set(range(tasks))
    assert served(matrix, groups) >= served(matrix, blocks) - 1e-9
    assert served(matrix, groups) <= choose_groups(matrix, most).total * tasks + 1e-9


def test_a_helper_that_all_profit_from_is_in_every_group() -> None:
    side = np.arange(7) < 3
    matrix = np.where(side[:, None] == side, 0.1, -0.5)
    matrix[6] = 0.5  # helps all, and is harmed by one side
    np.fill_diagonal(matrix, 0.0)
    groups = overlapped(matrix, np.zeros(7), [[0, 1, 2], [3, 4, 5, 6]])
    assert groups == [[0, 1, 2, 6], [3, 4, 5, 6]]
