"""The fast walks against torch's own."""

from types import SimpleNamespace

import torch
from torch import nn

from plait.networks.walk import learning, modules_of


def shared() -> nn.Module:
    """A module in two places, a parameter under two names, one frozen, one missing."""
    tied = nn.Linear(3, 3)
    model = nn.ModuleDict(
        {
            "first": nn.Sequential(nn.Linear(2, 3), nn.ReLU(), tied),
            "second": nn.ModuleList([nn.Sequential(tied, nn.BatchNorm1d(3)), nn.Linear(3, 1)]),
            "third": nn.Linear(3, 3, bias=False),
        }
    )
    model["third"].weight = tied.weight
    model["first"][0].bias.requires_grad_(False)
    model["second"][1].register_module("nothing", None)
    return model


def test_modules_come_in_the_order_of_torch_each_once() -> None:
    model = shared()
    assert list(map(id, modules_of(model))) == list(map(id, model.modules()))


def test_parameters_that_learn_come_in_the_order_of_torch_each_once() -> None:
    model = shared()
    expected = [id(parameter) for parameter in model.parameters() if parameter.requires_grad]
    assert list(map(id, learning(model))) == expected


def test_a_stand_in_takes_the_place_of_some_children() -> None:
    """Its parameters come beside those of all children, or in the place of those that it knows."""
    model = nn.ModuleDict({"heads": nn.ModuleDict({name: nn.Linear(2, 1) for name in "abc"})})
    heads = model["heads"]
    assert isinstance(heads, nn.ModuleDict)
    whole = nn.Parameter(torch.zeros(2, 3))
    vars(heads)["stand_in"] = SimpleNamespace(wholes=[whole], others=[heads["b"]])
    every = [whole, *model.parameters()]
    assert list(map(id, learning(model))) == list(map(id, every))
    wanted = [whole, *heads["b"].parameters()]
    assert list(map(id, learning(model, joined=True))) == list(map(id, wanted))
