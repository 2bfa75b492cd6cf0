"""What several processes need, and what is refused in them, with the reason."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

import plait
from plait.balancing import MOML, Equal, UPGrad
from plait.core.errors import ConfigError, UnsupportedError
from plait.distributed import ranks
from tests.distributed.group import Group
from tests.engine.two_tasks import losses


def refused(kind: type[Exception], entry: Callable[[], Any], *words: str) -> None:
    with pytest.raises(kind) as told:
        entry()
    assert all(word in str(told.value) for word in words), str(told.value)


def refusals() -> None:
    trunk = nn.Linear(4, 2)
    wrapped = DistributedDataParallel(nn.Linear(4, 2))
    step = plait.Backward(UPGrad(), trunk)
    other = {name: loss + trunk.bias.sum() for name, loss in losses(nn.Linear(4, 2)).items()}
    look = plait.Backward(MOML(), trunk)
    for entry, *words in [
        (lambda: plait.backward(losses(wrapped), Equal(), model=wrapped), "no_sync"),
        (lambda: plait.backward(losses(wrapped), UPGrad(), model=wrapped.module), "no_sync"),
        (lambda: plait.backward(losses(trunk), UPGrad(), model=trunk, route="layers"), "layers"),
    ]:
        refused(UnsupportedError, entry, *words)
    refused(ConfigError, lambda: plait.backward(losses(trunk), Equal()), "Give `model=`")
    refused(ConfigError, lambda: look(losses(trunk)), "MOML looks ahead", "Give `problem=`")
    refused(ConfigError, lambda: step.add(losses(trunk)), "start(counts=")
    refused(ConfigError, lambda: step(losses(trunk), counts=3), "`counts` must be")
    with pytest.warns(UserWarning, match="outside of"):
        refused(UnsupportedError, lambda: step(other), "outside of `model`")
    assert all(p.grad is None for p in [*trunk.parameters(), *wrapped.parameters()])


def test_what_is_refused(two: Group) -> None:
    two(refusals)


def trained(wrap: bool) -> list[Tensor]:
    torch.manual_seed(0)
    net: Any = nn.Linear(4, 2)
    balancer, rank = UPGrad(), ranks().rank
    x = torch.randn(6, 4)[3 * rank : 3 * rank + 3]
    if wrap:
        net = DistributedDataParallel(net)
        with net.no_sync():
            z = net(x)
            found = {"a": z[:, 0].square().mean(), "b": (z.sum(1) - 1).square().mean()}
            plait.backward(found, balancer, model=net)
    else:
        z = net(x)
        found = {"a": z[:, 0].square().mean(), "b": (z.sum(1) - 1).square().mean()}
        plait.backward(found, balancer, model=net)
    return [parameter.grad for parameter in net.parameters()]


def test_inside_no_sync_a_wrapper_changes_nothing(two: Group) -> None:
    (plain, other), (wrapped, _) = two(trained, False), two(trained, True)
    for first, second, third in zip(plain, other, wrapped, strict=True):
        assert torch.equal(first, second) and torch.equal(first, third)


@pytest.mark.parametrize("make", [Equal, UPGrad])
def test_a_group_of_one_trains(make: type[Equal] | type[UPGrad], alone: None) -> None:
    """Also in a wrapper of torch, which has nothing to add up."""
    wrapped, plain = DistributedDataParallel(nn.Linear(4, 2)), nn.Linear(4, 2)
    plain.load_state_dict(wrapped.module.state_dict())
    plait.backward(losses(wrapped), make())
    plait.backward(losses(plain), make())
    torch.testing.assert_close(wrapped.module.weight.grad, plain.weight.grad)
