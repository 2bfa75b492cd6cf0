"""What a loss reaches."""

import torch
from torch import nn

from plait.gradients import gradients, leaves


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
