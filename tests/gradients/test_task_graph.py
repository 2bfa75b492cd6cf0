"""Which tasks reach what."""

import random
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.autograd.graph import get_gradient_edge

from plait.gradients import TaskGraph, leaves, per_task_gradients, reached_by
from plait.gradients.graph import parents_first
from tests.gradients.nets import NETS, random_graph


def by_task(found: list[tuple[Tensor, tuple[str, ...]]]) -> dict[int, tuple[str, ...]]:
    assert len({id(leaf) for leaf, _ in found}) == len(found)
    return {id(leaf): tasks for leaf, tasks in found}


@pytest.mark.parametrize("seed", range(40))
def test_all_tasks_at_once_reach_what_each_reaches(seed: int) -> None:
    _, _, losses = random_graph(seed)
    expected: dict[int, tuple[str, ...]] = {}
    for task, loss in losses.items():
        for leaf in leaves([loss]):
            expected[id(leaf)] = (*expected.get(id(leaf), ()), task)
    assert by_task(reached_by(losses)) == expected


@pytest.mark.parametrize("build", NETS)
def test_what_is_reached_is_what_autograd_gives(build: str) -> None:
    parameters, make_losses = NETS[build]()
    wanted = [p for p in parameters if p.requires_grad]
    losses = make_losses()
    expected: dict[int, tuple[str, ...]] = {}
    for task, pairs in per_task_gradients(losses, wanted):
        for parameter, _ in pairs:
            expected[id(parameter)] = (*expected.get(id(parameter), ()), task)
    assert by_task(reached_by(make_losses())) == expected


@pytest.mark.parametrize("seed", range(40))
def test_nothing_is_looked_at_beyond_the_edges_that_stop(seed: int) -> None:
    """As if the tensors at these edges were constants."""
    _, values, losses = random_graph(seed)
    draw = random.Random(seed)
    inner = [value for value in values if value.grad_fn is not None]
    stopped = draw.sample(inner, min(2, len(inner)))
    stop = {(tensor.grad_fn, tensor.output_nr) for tensor in stopped}

    def below(node: Any, output: int, seen: set[int]) -> None:
        if (node, output) in stop:
            return
        if hasattr(node, "variable"):
            seen.add(id(node.variable))
        for child, number in node.next_functions:
            if child is not None:
                below(child, number, seen)

    expected: dict[int, tuple[str, ...]] = {}
    for task, loss in losses.items():
        seen = {id(loss)} if loss.grad_fn is None else set()
        if loss.grad_fn is not None:
            below(loss.grad_fn, loss.output_nr, seen)
        for key in seen:
            expected[key] = (*expected.get(key, ()), task)
    assert by_task(reached_by(losses, stop)) == expected


def test_a_deep_graph_needs_no_recursion() -> None:
    p = nn.Parameter(torch.tensor(1.0))
    loss = p * 1
    for _ in range(20_000):
        loss = loss + 0
    assert by_task(reached_by({"a": loss, "b": p})) == {id(p): ("a", "b")}


@pytest.mark.parametrize("seed", range(40))
def test_each_node_is_there_once_with_the_tasks_above_it(seed: int) -> None:
    _, _, losses = random_graph(seed)
    graph = TaskGraph(losses)
    expected: dict[Any, int] = {}
    for position, loss in enumerate(losses.values()):
        root = get_gradient_edge(loss)
        assert (root.node, root.output_nr) in graph.roots
        for node in parents_first([root.node]):
            expected[node] = expected.get(node, 0) | 1 << position
    assert graph.masks == expected
    assert set(graph.edges) == set(expected)


@pytest.mark.parametrize("seed", range(40))
def test_nodes_come_before_those_that_they_lead_to(seed: int) -> None:
    _, _, losses = random_graph(seed)
    graph = TaskGraph(losses)
    place = {node: position for position, node in enumerate(graph.edges)}
    for node, edges in graph.edges.items():
        assert tuple(edges) == node.next_functions
        for child, _ in edges:
            assert child is None or place[child] > place[node]


def test_losses_without_a_graph_are_left_out() -> None:
    p = nn.Parameter(torch.tensor(1.0))
    graph = TaskGraph({"a": torch.tensor(1.0), "b": p * 2})
    assert list(graph.roots.values()) == ["b"]
    assert by_task(graph.reached()) == {id(p): ("b",)}
