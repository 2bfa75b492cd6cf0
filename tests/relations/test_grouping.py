"""The choice of groups against brute force, and what must not matter."""

import time
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.core.errors import ConfigError, DataError, ShapeError
from plait.relations import Affinity, choose_among, choose_groups, every_group

SEEDS = st.integers(0, 10_000)


def affinities(seed: int, tasks: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(tasks, tasks))


def gain(matrix: np.ndarray, alone: float, group: tuple[int, ...], task: int) -> float:
    if len(group) == 1:
        return alone
    return float(np.mean([matrix[source, task] for source in group if source != task]))


def brute(matrix: np.ndarray, networks: int, alone: float = 0.0, *, overlap: bool = True) -> float:
    """The best total over all choices of at most `networks` groups, by its definition."""
    tasks = range(len(matrix))
    groups = [g for size in range(1, len(matrix) + 1) for g in combinations(tasks, size)]
    best = -np.inf
    for count in range(1, networks + 1):
        for chosen in combinations(groups, count):
            if set().union(*chosen) != set(tasks):
                continue
            if not overlap and sum(map(len, chosen)) > len(matrix):
                continue
            gains = [max(gain(matrix, alone, g, t) for g in chosen if t in g) for t in tasks]
            best = max(best, float(np.mean(gains)))
    return best


@settings(max_examples=30)
@given(SEEDS, st.integers(1, 5), st.integers(1, 3), st.sampled_from([-1e6, -0.5, 0.0, 0.5]))
def test_it_is_the_best_of_all(seed: int, tasks: int, networks: int, alone: float) -> None:
    matrix = affinities(seed, tasks)
    for overlap in (True, False):
        found = choose_groups(matrix, networks, singleton=alone, overlap=overlap)
        wanted = brute(matrix, networks, alone, overlap=overlap)
        assert found.total == pytest.approx(wanted, rel=1e-9, abs=1e-12)
        assert found.exact and found.networks <= networks
        check(found, matrix, alone, overlap=overlap)


def check(found: object, matrix: np.ndarray, alone: float, *, overlap: bool = True) -> None:
    """Groups cover, each task is in the group that serves it, and gains are what they say."""
    names = tuple(map(str, range(len(matrix))))
    members = [task for group in found.groups for task in group]
    assert set(members) == set(names)
    assert overlap or len(members) == len(names)
    for task in names:
        served = found.served_by[task]
        assert served in found.groups and task in served
        numbers = tuple(map(int, served))
        assert found.gains[task] == pytest.approx(gain(matrix, alone, numbers, int(task)))
    assert found.total == pytest.approx(np.mean(list(found.gains.values())))


@settings(max_examples=20)
@given(SEEDS, st.integers(2, 8), st.integers(1, 4), st.booleans())
def test_greedy_never_beats_exact(seed: int, tasks: int, networks: int, overlap: bool) -> None:
    matrix = affinities(seed, tasks)
    best = choose_groups(matrix, networks, overlap=overlap)
    good = choose_groups(matrix, networks, overlap=overlap, exact=0)
    assert not good.exact and good.total <= best.total + 1e-9
    check(good, matrix, 0.0, overlap=overlap)


@settings(max_examples=20)
@given(SEEDS, st.integers(2, 7), st.integers(1, 3))
def test_the_order_of_the_tasks_does_not_matter(seed: int, tasks: int, networks: int) -> None:
    matrix = affinities(seed, tasks)
    order = np.random.default_rng(seed + 1).permutation(tasks)
    for exact in (12, 0):
        one = choose_groups(matrix, networks, exact=exact)
        names = [str(task) for task in order]
        turned = matrix[np.ix_(order, order)]
        two = choose_groups(turned, networks, tasks=names, exact=exact)
        assert one.total == pytest.approx(two.total)
        assert set(map(frozenset, one.groups)) == set(map(frozenset, two.groups))


def two_camps(tasks: int, first: int) -> np.ndarray:
    side = np.arange(tasks) < first
    return np.where(side[:, None] == side, 0.1, -0.2)


@pytest.mark.parametrize("exact", [12, 0])
@pytest.mark.parametrize("networks", [2, 3])
def test_two_camps_are_the_two_groups(exact: int, networks: int) -> None:
    found = choose_groups(two_camps(7, 3), networks, exact=exact)
    assert found.groups == (("0", "1", "2"), ("3", "4", "5", "6"))
    assert found.total == pytest.approx(0.1)
    assert found.trainings == 9


@pytest.mark.parametrize("exact", [12, 0])
def test_tasks_that_are_alike_are_one_group(exact: int) -> None:
    found = choose_groups(np.full((6, 6), 0.1), 4, exact=exact)
    assert found.groups == (tuple("012345"),)


@pytest.mark.parametrize("exact", [12, 0])
def test_noise_makes_groups_unless_there_is_a_margin(exact: int) -> None:
    matrix = 0.1 + 0.001 * affinities(0, 6)
    assert choose_groups(matrix, 3, exact=exact).networks > 1
    assert choose_groups(matrix, 3, exact=exact, margin=0.01).networks == 1


def test_tasks_that_harm_each_other_stay_alone() -> None:
    found = choose_groups(np.full((3, 3), -0.1), 3)
    assert found.groups == (("0",), ("1",), ("2",)) and found.total == 0.0
    assert found.trainings == 3  # each alone is all there is to train


def test_a_task_may_help_where_it_is_not_served() -> None:
    """c helps a and b, and is served best alone."""
    matrix = np.array([[0, 0.1, -1], [0.1, 0, -1], [0.5, 0.5, 0]])
    found = choose_groups(matrix, 2, tasks=["a", "b", "c"])
    assert found.groups == (("a", "b", "c"), ("c",))
    assert found.served_by["c"] == ("c",)
    apart = choose_groups(matrix, 2, tasks=["a", "b", "c"], overlap=False)
    assert apart.groups == (("a", "b"), ("c",))


def test_singletons_of_their_own() -> None:
    matrix = two_camps(3, 3)
    found = choose_groups(matrix, 2, tasks=list("abc"), singleton={"a": 0.5, "b": 0.0, "c": 0.0})
    assert found.groups == (("a", "b", "c"), ("a",)) or found.served_by["a"] == ("a",)
    assert found.gains["a"] == 0.5


def test_an_affinity_knows_its_tasks() -> None:
    values, counts = two_camps(2, 2), np.ones((2, 2), dtype=np.int64)
    made = Affinity(("x", "y"), ("x", "y"), values, counts, np.ones(2))
    assert choose_groups(made, 1).groups == (("x", "y"),)


def test_nine_tasks_and_three_groups_take_less_than_five_seconds() -> None:
    start = time.perf_counter()
    choose_groups(affinities(0, 9), 3)
    choose_groups(affinities(0, 10), 3)
    assert time.perf_counter() - start < 5


@pytest.mark.slow
def test_617_tasks_take_seconds() -> None:
    start = time.perf_counter()
    found = choose_groups(affinities(0, 617) + two_camps(617, 300), 8)
    assert time.perf_counter() - start < 30
    assert found.networks <= 8 and len(found.gains) == 617


@settings(max_examples=20)
@given(SEEDS, st.integers(2, 4), st.integers(1, 3), st.booleans())
def test_among_groups_it_is_the_best_of_all(
    seed: int, tasks: int, networks: int, overlap: bool
) -> None:
    """Gains that depend on the whole group."""
    names = list("abcd")[:tasks]
    groups = every_group(names)
    table = np.random.default_rng(seed).normal(size=(len(groups), tasks))
    found = choose_among(groups, table, networks, tasks=names, overlap=overlap)
    best = -np.inf
    for count in range(1, networks + 1):
        for chosen in combinations(range(len(groups)), count):
            sizes = sum(len(groups[n]) for n in chosen)
            if {t for n in chosen for t in groups[n]} == set(names) and (overlap or sizes == tasks):
                gains = [
                    max(table[n, names.index(t)] for n in chosen if t in groups[n]) for t in names
                ]
                best = max(best, float(np.mean(gains)))
    assert found.total == pytest.approx(best)
    good = choose_among(groups, table, networks, tasks=names, overlap=overlap, exact=0)
    assert good.total <= found.total + 1e-9


@given(SEEDS)
@settings(max_examples=10)
def test_a_table_of_pairwise_gains_gives_the_same_groups(seed: int) -> None:
    matrix = affinities(seed, 5)
    names = tuple("01234")
    groups = every_group(names)
    table = [
        [gain(matrix, 0.0, tuple(map(int, g)), int(t)) if t in g else np.nan for t in names]
        for g in groups
    ]
    one, two = choose_groups(matrix, 2), choose_among(groups, table, 2, tasks=names)
    assert one.total == pytest.approx(two.total)
    assert one.groups == two.groups


def test_every_group_is_there_once() -> None:
    found = every_group("abcd")
    assert len(found) == len(set(found)) == 15
    assert len(every_group("abcd", most=2)) == 10


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="square"):
        choose_groups(np.zeros((2, 3)), 1)
    with pytest.raises(DataError, match="'0' to '1' is nan"):
        choose_groups([[0.0, np.nan], [0.0, 0.0]], 1)
    with pytest.raises(ConfigError, match="networks"):
        choose_groups(np.zeros((2, 2)), 0)
    with pytest.raises(ConfigError, match="exact"):
        choose_groups(np.zeros((2, 2)), 1, exact=16)
    with pytest.raises(ConfigError, match="margin"):
        choose_groups(np.zeros((2, 2)), 1, margin=-1.0)
    with pytest.raises(ConfigError, match="different names"):
        choose_groups(np.zeros((2, 2)), 1, tasks=["a", "a"])
    with pytest.raises(ConfigError, match="no gain of task"):
        choose_groups(np.zeros((2, 2)), 1, tasks=["a", "b"], singleton={"a": 1.0})
    with pytest.raises(ShapeError, match="singleton"):
        choose_groups(np.zeros((2, 2)), 1, singleton=[1.0, 2.0, 3.0])
    with pytest.raises(ShapeError, match="gains"):
        choose_among([("a",)], [1.0], 1, tasks=["a"])
    with pytest.raises(ConfigError, match="unknown task"):
        choose_among([("b",)], [[1.0]], 1, tasks=["a"])
    with pytest.raises(DataError, match="no gain in the group a"):
        choose_among([("a",)], [[np.nan]], 1, tasks=["a"])
    for exact in (12, 0):
        with pytest.raises(DataError, match="cover"):
            choose_among([("a",)], [[1.0, np.nan]], 1, tasks=["a", "b"], exact=exact)


def test_all_orders_of_a_table() -> None:
    groups = [("a", "b"), ("c",), ("a", "b", "c")]
    table = np.array([[1.0, 1.0, np.nan], [np.nan, np.nan, 0.0], [0.5, 0.5, 0.5]])
    for order in permutations(range(3)):
        found = choose_among(
            [groups[n] for n in order], table[list(order)], 2, tasks=["a", "b", "c"]
        )
        assert found.total == pytest.approx(2.5 / 3)
