"""Trunks with conditioned layers."""

import pytest
import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError
from plait.sharing.conditioning import Film, LoRA
from plait.sharing.conditioning.layers.active import Active
from plait.sharing.conditioning.layers.trunk import (
    conditioned,
    conditioned_layers,
    layers_run,
    plain,
)


class Half(nn.Module):
    """Has a layer that it does not run."""

    def __init__(self) -> None:
        super().__init__()
        self.used = nn.Linear(3, 3)
        self.unused = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.used(x)


def test_layers_that_do_not_run_are_left_out() -> None:
    net = Half()
    assert list(layers_run(net, [torch.zeros(2, 3)])) == ["", "used"]
    trunk = conditioned(net, Film(), "*", ["a"], [torch.zeros(2, 3)], 0, Active())
    assert len(conditioned_layers(trunk)) == 1
    assert type(trunk.get_submodule("unused")) is nn.Linear


def test_a_layer_under_two_names_is_one() -> None:
    layer = nn.Linear(3, 3)
    net = nn.Sequential(layer, nn.ReLU(), layer)
    trunk = conditioned(net, Film(), "*", ["a"], [torch.zeros(2, 3)], 0, Active())
    assert trunk.get_submodule("0") is trunk.get_submodule("2")


def test_plain_is_the_trunk_as_it_was() -> None:
    net, x = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), torch.randn(5, 3)
    trunk = conditioned(net, LoRA(), "*", ["a", "b"], [x], 0, Active())
    again = plain(trunk)
    assert not conditioned_layers(again)
    assert again.state_dict().keys() == net.state_dict().keys()
    assert torch.equal(again(x), net(x))
    assert conditioned_layers(torch.relu) == []


def test_a_scope_without_a_layer_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"matches no layer that LoRA can condition. It takes: "):
        conditioned(Half(), LoRA(), "x*", ["a"], [torch.zeros(2, 3)], 0, Active())
