"""The fast walks against torch's own."""

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
