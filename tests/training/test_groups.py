"""Optimizer groups: every parameter that learns, once, at its own rate."""

import pytest
import torch
from torch import nn

from plait import parameter_groups
from plait.balancing import Equal, UncertaintyWeights
from plait.core.errors import ConfigError
from plait.core.keys import safe_key
from plait.networks.joined import Joined
from plait.training.groups import make_optimizer
from plait.training.options import GroupOptions
from tests.training.problem import EVERY_BALANCER, balancer, model


class Scaled(nn.Module):
    """Declares a factor for its own layer and all below it."""

    def __init__(self, factor: float, below: nn.Module) -> None:
        super().__init__()
        self.lr_scale = factor
        self.own = nn.Linear(2, 2)
        self.below = below


def rates(net: nn.Module, lr: float = 0.1) -> dict[str, float]:
    names = {id(parameter): name for name, parameter in net.named_parameters()}
    groups = parameter_groups(net, lr=lr)
    found = [(names[id(p)], group["lr"]) for group in groups for p in group["params"]]
    assert len(found) == len(dict(found)), "a parameter is in two groups"
    return dict(found)


def test_a_plain_model_has_one_group() -> None:
    net = model()
    (group,) = parameter_groups(net, lr=0.1, weight_decay=0.02)
    assert [id(p) for p in group["params"]] == [id(p) for p in net.parameters()]
    assert (group["lr"], group["weight_decay"]) == (0.1, 0.02)


def test_lr_scale_reaches_below_and_the_innermost_wins() -> None:
    inner = Scaled(0.5, nn.Linear(2, 2))
    net = nn.Sequential(nn.Linear(2, 2), Scaled(10.0, nn.Sequential(nn.Linear(2, 2), inner)))
    expected = {"0": 0.1, "1.own": 1.0, "1.below.0": 1.0, "1.below.1": 0.05}
    found = rates(net)
    assert len(found) == len(list(net.parameters()))
    for name, rate in found.items():
        prefix = max((p for p in expected if name.startswith(p)), key=len)
        assert rate == pytest.approx(expected[prefix]), name


def test_the_optimizer_moves_at_the_scaled_rate() -> None:
    net = Scaled(10.0, nn.Identity())
    plain = nn.Linear(2, 2)
    plain.load_state_dict(net.own.state_dict())
    for module, layer in ((net, net.own), (plain, plain)):
        optimizer = torch.optim.SGD(parameter_groups(module, lr=0.1))
        layer(torch.ones(1, 2)).sum().backward()
        optimizer.step()
    # Both started at the same bias b, whose gradient is 1: they are at b - 1 and b - 0.1 now
    assert (plain.bias - net.own.bias).tolist() == pytest.approx([0.9, 0.9])


def test_frozen_parameters_are_left_out() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    net[0].requires_grad_(False)
    assert rates(net).keys() == {"1.weight", "1.bias"}


def test_tied_parameters_come_once() -> None:
    net = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    net[1].weight = net[0].weight
    assert list(rates(net)) == ["0.weight"]


@pytest.mark.parametrize("name", EVERY_BALANCER)
def test_learned_weights_have_no_decay(name: str) -> None:
    net, made = model(), balancer(name)
    groups = parameter_groups(net, made, lr=0.1, weight_decay=0.02)
    learned = {id(p) for p in made.parameters()}
    decays = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    assert bool(learned) == made.learns
    assert learned <= decays.keys()
    assert all(decays[each] == 0 for each in learned)
    assert all(decays[id(p)] == 0.02 for p in net.parameters())


def test_the_balancer_learns_of_the_tasks_from_the_model() -> None:
    made = UncertaintyWeights()
    parameter_groups(model(), made, lr=0.1)
    assert made.tasks == ("kind", "amount", "rare")


def test_without_tasks_the_next_step_is_named() -> None:
    with pytest.raises(ConfigError, match=r"does not know the tasks yet. Name them: tasks="):
        parameter_groups(nn.Linear(1, 1), UncertaintyWeights(), lr=0.1)
    assert len(parameter_groups(nn.Linear(1, 1), Equal(), lr=0.1)) == 1


def test_an_optimizer_with_joined_heads_holds_them() -> None:
    made = model()
    parts = {task: nn.Parameter(torch.zeros(2)) for task in made.tasks}
    for task, part in parts.items():
        made.heads[safe_key(task)].register_parameter("extra", part)
    others = [p for n, p in made.named_parameters() if "extra" not in n]
    optimizer = torch.optim.SGD([*others, Joined(parts).whole], lr=0.1)
    assert make_optimizer(optimizer, made, Equal(), GroupOptions()) is optimizer
    optimizer.param_groups[0]["params"].pop()
    with pytest.raises(ConfigError, match="the optimizer does not have heads"):
        make_optimizer(optimizer, made, Equal(), GroupOptions())
