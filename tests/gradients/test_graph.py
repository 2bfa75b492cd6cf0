"""What a loss reaches."""

import random
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.gradients import gradients, leaves, nearest, per_task_gradients, reached_by
from plait.gradients.graph import depend, parents_first
from tests.gradients.nets import NETS, Losses


def ids(tensors: object) -> list[int]:
    assert isinstance(tensors, list)
    return sorted(map(id, tensors))


def test_finds_each_reached_leaf_once() -> None:
    shared, tied, frozen, unused = (nn.Parameter(torch.randn(3)) for _ in range(4))
    frozen.requires_grad_(False)
    one = (shared * tied * frozen).sum() + tied.sum()
    two = shared.square().sum()
    assert unused.requires_grad
    assert ids(leaves([one, two])) == ids([shared, tied])
    assert ids(leaves([two])) == ids([shared])


def test_a_loss_may_be_a_leaf_or_a_constant() -> None:
    p = nn.Parameter(torch.tensor(1.0))
    assert ids(leaves([p, p, p * 2, torch.tensor(1.0)])) == ids([p])
    assert leaves([]) == []


def test_a_deep_graph_needs_no_recursion() -> None:
    p = nn.Parameter(torch.tensor(1.0))
    loss = p * 1
    for _ in range(20_000):
        loss = loss + 0
    assert ids(leaves([loss])) == ids([p])


def test_gradients_of_a_weighted_sum_in_one_pass() -> None:
    p, q, r = (nn.Parameter(torch.ones(2)) for _ in range(3))
    losses = [p.sum() + q.sum(), 3 * q.sum()]
    weights = [torch.tensor(2.0), torch.tensor(10.0)]
    found = gradients(losses, [p, q, r], weights)
    assert [(id(parameter), g.tolist()) for parameter, g in found] == [
        (id(p), [2.0, 2.0]),
        (id(q), [32.0, 32.0]),
    ]


def test_the_graph_is_kept_on_demand() -> None:
    p = nn.Parameter(torch.ones(2))
    loss = p.square().sum()
    first = gradients([loss], [p], retain=True)
    assert torch.equal(gradients([loss], [p])[0][1], first[0][1])


# --- who reaches what -------------------------------------------------------------------------


def random_graph(seed: int) -> tuple[list[nn.Parameter], list[Tensor], Losses]:
    """Sums, products and splits of earlier values; losses at random places, also at a leaf."""
    draw = random.Random(seed)
    parameters = [nn.Parameter(torch.randn(4)) for _ in range(6)]
    parameters[0].requires_grad_(False)
    values: list[Tensor] = [*parameters, torch.randn(4)]
    for _ in range(draw.randrange(3, 15)):
        one, two = draw.choice(values), draw.choice(values)
        kind = draw.randrange(4)
        if kind == 0:
            values.append(one + two)
        elif kind == 1:
            values.append((one * two).tanh())
        elif kind == 2:
            values += [torch.cat([half, half]) for half in one.split(2)]
        else:
            values.append(one.detach() * two)
    losses: Losses = {}
    while len(losses) < 4:
        value = draw.choice(values)
        if value.requires_grad:
            losses["abcd"[len(losses)]] = value.sum() if draw.random() < 0.8 else value
    return parameters, values, losses


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


def test_a_deep_graph_needs_no_recursion_for_several_tasks_either() -> None:
    p = nn.Parameter(torch.tensor(1.0))
    loss = p * 1
    for _ in range(20_000):
        loss = loss + 0
    assert by_task(reached_by({"a": loss, "b": p})) == {id(p): ("a", "b")}
    assert nearest([loss], {id(p)}) is p
    assert not depend([loss])


# --- the nearest ------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(40))
def test_the_nearest_is_the_one_of_the_shortest_path(seed: int) -> None:
    parameters, _, losses = random_graph(seed)
    wanted = {id(p) for p in random.Random(seed).sample(parameters, 3)}

    def distance(node: Any, leaf: int, steps: int = 0) -> float:
        if getattr(node, "variable", None) is not None and id(node.variable) == leaf:
            return steps
        below = [child for child, _ in node.next_functions if child is not None]
        return min((distance(child, leaf, steps + 1) for child in below), default=float("inf"))

    roots = [loss.grad_fn for loss in losses.values() if loss.grad_fn is not None]
    lengths = (
        {leaf: min(distance(root, leaf) for root in roots) for leaf in wanted} if roots else {}
    )
    reached = {leaf: length for leaf, length in lengths.items() if length < float("inf")}
    found = nearest(losses.values(), wanted)
    if not reached:
        assert found is None
    else:
        assert found is not None
        assert reached[id(found)] == min(reached.values())


# --- dependence -------------------------------------------------------------------------------


def test_two_outputs_of_one_node_do_not_depend_on_each_other() -> None:
    p = nn.Parameter(torch.randn(4))
    whole = p * 2
    one, two = whole.split(2)
    assert not depend([one, two])
    assert not depend([p, p])  # leaves are no part of a graph
    assert depend([one, one])
    assert depend([one, whole])
    assert depend([whole * 3, two, whole])
    assert not depend([])


# --- tasks at once ----------------------------------------------------------------------------


def test_the_compiled_net_is_one_node() -> None:
    _, make_losses = NETS["compiled"]()
    stack, seen = [loss.grad_fn for loss in make_losses().values()], set()
    while stack:
        node = stack.pop()
        seen.add(node.name())
        stack += [child for child, _ in node.next_functions if child is not None]
    assert "CompiledFunctionBackward" in seen
    assert "TanhBackward0" not in seen


def test_parents_come_first() -> None:
    x = torch.ones(2, requires_grad=True)
    low = x * 2
    top = (low.exp() + low).sum()
    order = [node.name().rpartition("::")[2] for node in parents_first([top.grad_fn])]
    assert order[:2] == ["SumBackward0", "AddBackward0"]
    assert order[2:] == ["ExpBackward0", "MulBackward0", "AccumulateGrad"]
    stopped = parents_first([top.grad_fn], {(low.grad_fn, 0)})
    assert [node.name() for node in stopped] == ["SumBackward0", "AddBackward0", "ExpBackward0"]
