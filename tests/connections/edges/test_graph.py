"""The graph of the tasks."""

from itertools import permutations
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from plait.connections.edges.graph import edges_of, in_order, key_of, written
from plait.core.errors import ConfigError

TASKS = ["a", "b.c", "d%"]


def test_edges_are_pairs_in_their_order() -> None:
    assert edges_of([["d%", "a"], ("a", "b.c")], TASKS) == (("d%", "a"), ("a", "b.c"))
    assert edges_of([], TASKS) == ()
    assert edges_of(None, TASKS, [("a", "d%")]) == (("a", "d%"),)
    assert edges_of([], TASKS, [("a", "d%")]) == ()


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([["a", "bc"]], r"edge a -> bc: unknown task 'bc'; known: .* Did you mean 'b\.c'"),
        ([["e", "a"]], "edge e -> a: unknown task 'e'"),
        ([["a", "a"]], "edge a -> a joins a task with itself"),
        ([["a", "d%"], ["d%", "a"], ["a", "d%"]], "edge a -> d% is given twice"),
        ([["a", "b.c", "d%"]], r"must be \[source, target\]; found \['a', 'b\.c', 'd%'\]"),
        (["ab"], r"must be \[source, target\]; found 'ab'"),
        ([3], r"must be \[source, target\]; found 3"),
    ],
)
def test_edges_that_are_none_are_refused(edges: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        edges_of(edges, TASKS)


@given(st.permutations(range(6)), st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5))))
def test_every_source_comes_before_its_targets(names: list[int], pairs: list[Any]) -> None:
    """Edges that go up in a hidden order have no cycle."""
    tasks = [f"t{name}" for name in names]
    edges = {(f"t{min(pair)}", f"t{max(pair)}") for pair in pairs if pair[0] != pair[1]}
    order = in_order(tasks, sorted(edges))
    assert sorted(order) == sorted(tasks)
    assert all(order.index(source) < order.index(target) for source, target in edges)


def test_without_edges_the_order_is_that_of_the_tasks() -> None:
    for tasks in permutations(TASKS):
        assert in_order(tasks, []) == list(tasks)


@pytest.mark.parametrize(
    ("edges", "cycle"),
    [
        ([("a", "b.c"), ("b.c", "a")], {"a -> b.c -> a", "b.c -> a -> b.c"}),
        (
            [("d%", "a"), ("a", "b.c"), ("b.c", "d%")],
            {"a -> b.c -> d% -> a", "b.c -> d% -> a -> b.c", "d% -> a -> b.c -> d%"},
        ),
    ],
)
def test_a_cycle_is_refused_and_written_in_its_direction(edges: Any, cycle: set[str]) -> None:
    with pytest.raises(ConfigError, match="a task cannot wait for itself") as error:
        in_order(TASKS, edges)
    assert any(f"form a cycle, {path};" in str(error.value) for path in cycle)


def test_an_edge_is_written_and_a_key_of_a_module() -> None:
    assert written(("a", "b.c")) == "a -> b.c"
    keys = [key_of(edge) for edge in permutations(TASKS, 2)]
    assert len(set(keys)) == 6
    modules = nn.ModuleDict({key: nn.Linear(1, 1) for key in keys})
    assert torch.is_tensor(modules[key_of(("a", "b.c"))].weight)
