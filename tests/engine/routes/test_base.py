"""An error leaves every gradient as it was, on every route."""

from typing import Any

import pytest
import torch
from torch import Tensor

from plait.balancing import Balancer, GramianBalancer, MoDo, UPGrad
from plait.core.errors import NonFiniteError
from plait.engine import Backward
from tests.engine.loops import (
    FAILING,
)
from tests.engine.routes.nets import Net
from tests.gradients.nets import Losses
from tests.gradients.slow import gradients_of


def call(net: Net, kind: str, balancer: Balancer, options: dict[str, Any], broken: bool) -> None:
    """One step in one of the ways; `broken` has a finite loss of which the gradient is not."""

    def make() -> tuple[Losses, list[Tensor]]:
        found = net.features(torch.randn(6, 5))
        losses = net.losses(found)
        if broken:
            here = found[0] - found[0].detach()
            losses["b"] = losses["b"] + here.square().sum().sqrt()
        return losses, found

    penalty = net.trunk[0].weight.square().sum()
    if balancer.batches > 1:
        Backward(balancer, net, **options)([make()[0] for _ in range(balancer.batches)], penalty)
    else:
        losses, found = make()
        features = found if kind == "features" else None
        Backward(balancer, net, **options)(losses, penalty, features=features)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("broken", [True, False])
@pytest.mark.parametrize("kind", FAILING)
def test_an_error_leaves_every_gradient_as_it_was_in_every_way(
    kind: str, broken: bool, before: bool
) -> None:
    make, options = FAILING[kind]
    net, balancer = Net(), make()
    if before:
        for parameter in net.parameters():
            parameter.grad = torch.randn_like(parameter)
    expected = gradients_of(net.parameters())
    error = NonFiniteError if broken else ArithmeticError
    # Differentiated at once, the tasks share what is not a number, so all of them are named
    with pytest.raises(error, match="'b'" if broken else "no solution"):
        call(net, kind, balancer, options, broken)
    found = gradients_of(net.parameters())
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], expected[key]) for key in found)


@pytest.mark.parametrize("kind", FAILING)
def test_the_same_calls_without_the_error_write(kind: str) -> None:
    make, options = FAILING[kind]
    like = make()
    base = MoDo if like.batches > 1 else UPGrad
    net = Net()
    if kind == "three batches":
        working: Balancer = MoDo(batches=3)
    else:
        working = base()
        working.at = like.at
        if isinstance(working, GramianBalancer) and isinstance(like, GramianBalancer):
            working.groups = like.groups
    call(net, kind, working, options, False)
    assert len(gradients_of(net.parameters())) == len([*net.lower(), *net.upper()])
