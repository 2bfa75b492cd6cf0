"""Methods that act on the number of the epoch have to be told it."""

from typing import Any

import pytest
import torch
from torch import nn

import plait
import plait.balancing
from plait.balancing import DWA, Balancer, Info
from plait.core.errors import ConfigError
from plait.core.lookup import names

READING = [
    name
    for name in names(plait.balancing, Balancer)
    if getattr(plait.balancing, name)().reads_epochs
]


def losses(net: nn.Module) -> dict[str, torch.Tensor]:
    found = net(torch.ones(4, 3)).square().mean(dim=0)
    return {"a": found[0], "b": found[1]}


def test_these_methods_read_it() -> None:
    assert set(READING) == {"DWA", "FORUM", "IGB", "PIVRG", "STCH"}


@pytest.mark.parametrize("name", READING)
@pytest.mark.parametrize("info", [None, Info(), Info(learning_rate=0.1)])
def test_without_the_epoch_the_first_step_is_refused(name: str, info: Info | None) -> None:
    net, balancer = nn.Linear(3, 2), getattr(plait.balancing, name)()
    message = f"{name} weighs by the number of the epoch, which is not given. .*Info\\(epoch=epoch"
    with pytest.raises(ConfigError, match=message):
        plait.backward(losses(net), balancer, info=info)
    with pytest.raises(ConfigError, match=message):
        plait.Backward(balancer, net).start(info)
    assert net.weight.grad is None


def test_a_window_needs_no_epoch() -> None:
    net, balancer = nn.Linear(3, 2), DWA(window=2)
    weights: Any = [plait.backward(losses(net), balancer).weights for _ in range(6)]
    assert weights[0].tolist() == [1.0, 1.0]


def test_other_methods_need_none() -> None:
    net = nn.Linear(3, 2)
    plait.backward(losses(net), plait.balancing.UPGrad())
    assert net.weight.grad is not None
