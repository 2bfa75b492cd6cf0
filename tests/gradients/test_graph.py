"""What a loss reaches."""

import random
from typing import Any

import pytest
import torch
from torch import nn

from plait.gradients import gradients, joint_gradients, leaves, nearest
from plait.gradients.graph import depend, parents_first
from tests.gradients.nets import NETS, random_graph


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


def test_a_deep_graph_needs_no_recursion_here_either() -> None:
    p = nn.Parameter(torch.tensor(1.0))
    loss = p * 1
    for _ in range(20_000):
        loss = loss + 0
    assert nearest([loss], {id(p)}) is p
    assert not depend([loss])


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


@pytest.mark.parametrize("extreme", [False, True])
def test_a_vector_of_losses_has_the_gradients_of_its_entries(extreme: bool) -> None:
    weight = torch.tensor([2.0, 3.0], dtype=torch.float64, requires_grad=True)
    scales = torch.tensor([0.5, 4.0], dtype=torch.float64)
    vector = weight.square()
    alone = joint_gradients(list(vector.unbind()), [weight], scales, retain=True, extreme=extreme)
    joined = joint_gradients([vector], [weight], scales, extreme=extreme)
    assert joined[0][1].tolist() == alone[0][1].tolist() == [2, 24]
