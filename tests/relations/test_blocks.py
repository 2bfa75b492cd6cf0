"""The value of a block against all groups that contain it, and partitions against all of them."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.relations.blocks import best_partition, pairwise_blocks, table_blocks, with_helpers


def tasks_of(block: int, count: int) -> list[int]:
    return [task for task in range(count) if block >> task & 1]


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_no_set_of_helpers_is_missed(seed: int, count: int) -> None:
    matrix = np.random.default_rng(seed).normal(size=(count, count))
    np.fill_diagonal(matrix, 0.0)
    alone = np.full(count, 0.1)
    values, group = pairwise_blocks(matrix, alone, overlap=True)
    for block in range(1, 1 << count):
        own = tasks_of(block, count)
        rest = [task for task in range(count) if task not in own]
        every = [[*own, *more] for n in range(len(rest) + 1) for more in combinations(rest, n)]

        def value(group: list[int], own: list[int] = own) -> float:
            if len(group) == 1:
                return 0.1
            return float(sum(matrix[group, task].sum() / (len(group) - 1) for task in own))

        assert values[block] == pytest.approx(max(map(value, every)))
        assert value(group(block)) == pytest.approx(values[block])
        assert group(block) == with_helpers(matrix, alone, own)


def partitions(tasks: list[int]) -> list[list[list[int]]]:
    if not tasks:
        return [[]]
    first, rest = tasks[0], tasks[1:]
    found = []
    for n in range(len(rest) + 1):
        for more in combinations(rest, n):
            left = [task for task in rest if task not in more]
            found += [[[first, *more], *each] for each in partitions(left)]
    return found


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 4), st.sampled_from([0.0, 0.5]))
def test_the_best_partition(seed: int, count: int, most: int, margin: float) -> None:
    values = np.random.default_rng(seed).normal(size=1 << count)
    values[0] = -np.inf
    best = max(
        sum(values[sum(1 << task for task in block)] for block in each) - margin * (len(each) - 1)
        for each in partitions(list(range(count)))
        if len(each) <= most
    )
    found = best_partition(values, count, most, margin)
    assert sum(values[found]) - margin * (len(found) - 1) == pytest.approx(best)
    assert sum(found) == (1 << count) - 1 and len(found) <= most


def test_without_a_cover_there_is_no_partition() -> None:
    values, _ = table_blocks(np.array([[1.0, -np.inf]]), overlap=True)
    assert values.tolist() == [0.0, 1.0, -np.inf, -np.inf]
    assert best_partition(values, 2, 2, 0.0) == []


def test_of_equal_partitions_the_one_with_the_fewest_blocks() -> None:
    values = np.array([-np.inf, 0.1, 0.2, 0.3, 0.3, 0.4, 0.5, 0.6])
    assert best_partition(values, 3, 3, 0.0) == [7]
