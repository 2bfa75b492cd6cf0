"""Greedy choices on planted groups, where they have to be the best."""

import numpy as np
import pytest

from plait.relations.greedy import cluster, pick


@pytest.mark.parametrize("seed", range(3))
def test_planted_groups_are_found_in_noise(seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 4, size=60)
    matrix = np.where(labels[:, None] == labels, 0.1, -0.1) + 0.05 * random.normal(size=(60, 60))
    np.fill_diagonal(matrix, 0.0)
    found = cluster(matrix, np.zeros(60), 4, 0.0)
    wanted = {frozenset(np.flatnonzero(labels == label).tolist()) for label in range(4)}
    assert set(map(frozenset, found)) == wanted


def test_a_margin_keeps_the_number_of_groups_small() -> None:
    matrix = 0.1 + 0.01 * np.random.default_rng(0).normal(size=(20, 20))
    np.fill_diagonal(matrix, 0.0)
    assert len(cluster(matrix, np.zeros(20), 5, 20 * 0.05)) == 1


def test_picked_groups_cover_first() -> None:
    """The best single group leaves a task out; two groups cover all."""
    table = np.array([[9.0, 9.0, -np.inf], [-np.inf, -np.inf, 1.0], [0.0, 0.0, 0.0]])
    assert sorted(pick(table, 2, 0.0, overlap=True)) == [0, 1]
    assert pick(table, 1, 0.0, overlap=True) == [2]


def test_an_exchange_mends_a_first_choice() -> None:
    """The third group is the best first, and has no place beside the other two."""
    table = np.array(
        [[3.0, 3.0, -np.inf, -np.inf], [-np.inf, -np.inf, 3.0, 3.0], [-np.inf, 2.9, 2.9, 2.9]]
    )
    assert sorted(pick(table, 2, 0.0, overlap=True)) == [0, 1]
