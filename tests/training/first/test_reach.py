"""What a loss reaches is what its gradient would not leave at None."""

import pytest
import torch
from torch import nn

from plait.core.keys import safe_key
from plait.gradients import Cut
from plait.networks.joined import Joined
from plait.training.first.reach import Learning, moves, reach
from tests.training.problem import model

NAME = "head.layers.0.weight"


@pytest.mark.parametrize("task", ["kind", "amount", "rare"])
@pytest.mark.parametrize("frozen", ["", "sharing", "heads"])
@pytest.mark.parametrize("at", ["parameters", "features"])
def test_head_and_trunk(task: str, frozen: str, at: str) -> None:
    made = model()
    for name, parameter in made.named_parameters():
        parameter.requires_grad_(not (frozen and name.startswith(frozen)))
    cut = Cut() if at == "features" else None
    optimizer = torch.optim.SGD([p for p in made.parameters() if p.requires_grad], lr=0.1)
    out = made(torch.randn(4, 6), cut=cut)
    found = reach(out[task].sum(), [out[task]], task, Learning(made, optimizer), cut)
    assert found.head is (None if frozen == "heads" else True)
    assert found.trunk is (None if frozen == "sharing" else True)
    assert not found.untrained
    if frozen != "heads":
        own = made.heads[safe_key(task)].parameters()
        assert {id(p) for p in found.moved} == {id(p) for p in own if p.requires_grad}


def test_a_parameter_behind_the_prediction_that_nobody_trains() -> None:
    made, stray = model(), nn.Parameter(torch.ones(3))
    learning = Learning(made, torch.optim.SGD(made.parameters(), lr=0.1))
    out = made(torch.randn(4, 6))["kind"]
    assert reach(out.sum() * stray.sum(), [out], "kind", learning).untrained == ()
    found = reach(out.sum(), [out * stray], "kind", learning)
    assert found.untrained == ([3],)


def test_what_has_a_gradient_moves() -> None:
    table = nn.Embedding(4, 2, sparse=True)
    plain = nn.Parameter(torch.ones(2))
    assert not moves([plain])
    plain.grad = torch.zeros(2)
    assert not moves([plain])
    plain.grad[1] = 1e-30
    assert moves([plain])
    table(torch.tensor([1])).sum().backward()
    assert moves([table.weight])
    (0 * table(torch.tensor([1]))).sum().backward()
    table.weight.grad = table.weight.grad * 0
    assert not moves([table.weight])


def test_joined_parameters_learn_and_move_by_row() -> None:
    made = model()
    parts = {task: made.heads[safe_key(task)].get_parameter(NAME) for task in ("amount", "rare")}
    whole = Joined(parts).whole
    learning = Learning(made, torch.optim.SGD([whole], lr=0.1))
    assert [each is parts["rare"] for each in learning.head("rare")] == [True]
    assert learning.head("kind") == []
    whole.grad = torch.stack([torch.zeros_like(parts["rare"]), torch.ones_like(parts["rare"])])
    assert not moves([parts["amount"]])
    assert moves([parts["rare"]])
