"""Products of small matrices are the inner products of the gradients at the features."""

import pytest
import torch
from torch import Tensor, nn

from plait.gradients import Cut, FeatureGradients, gramian
from plait.gradients.features.linear_heads import linear_readers

SIZES = {"a": 1, "b": 3, "c": 2}


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.trunk = nn.Linear(5, 4)
        self.heads = nn.ModuleDict({task: nn.Linear(4, size) for task, size in SIZES.items()})
        self.double()

    def features(self) -> Tensor:
        generator = torch.Generator().manual_seed(1)
        return torch.tanh(self.trunk(torch.randn(6, 5, generator=generator).double()))

    def losses(self, z: Tensor) -> dict[str, Tensor]:
        return {t: (head(z).tanh() - 1).square().mean() for t, head in self.heads.items()}


@pytest.mark.parametrize("cut", [True, False])
def test_agrees_with_the_gradients_themselves(cut: bool) -> None:
    net, slow = Net(), Net()
    z = slow.features()
    losses = slow.losses(z)
    rows = [torch.autograd.grad(loss, z, retain_graph=True)[0] for loss in losses.values()]
    weights = torch.tensor([0.3, 2.0, -1.0], dtype=torch.float64)
    combined = sum(weight * row for weight, row in zip(weights, rows, strict=True))
    trunk = list(slow.trunk.parameters())
    expected = torch.autograd.grad(z, trunk, combined, retain_graph=True)

    made, features = net.features(), Cut()
    losses = net.losses(features(made) if cut else made)
    assert linear_readers(losses, features.pairs[0][1] if cut else made) is not None
    found = FeatureGradients(losses, features if cut else [made], {id(p) for p in net.parameters()})
    torch.testing.assert_close(found.multiply(), gramian(torch.stack(rows).flatten(1)))
    below = dict(found.trunk(weights, list(net.trunk.parameters())))
    for parameter, gradient in zip(net.trunk.parameters(), expected, strict=True):
        torch.testing.assert_close(below[parameter], gradient)
    assert {(id(p), task) for p, task, _ in found.own} == {
        (id(p), task) for task, head in net.heads.items() for p in head.parameters()
    }
    for parameter, task, gradient in found.own:
        name = next(n for n, p in net.heads[task].named_parameters() if p is parameter)
        twin = slow.heads[task].get_parameter(name)
        slow_loss = slow.losses(slow.features())[task]
        torch.testing.assert_close(gradient, torch.autograd.grad(slow_loss, twin)[0])


def test_other_ways_to_read_the_features_are_not_linear_ones() -> None:
    net = Net()
    z = net.features()
    losses = net.losses(z)
    twice = {**losses, "a": losses["a"] + net.heads["a"](z).sum()}
    directly = {**losses, "a": losses["a"] + z.sum()}
    turned = {**losses, "a": net.heads["a"](z.relu()).sum()}
    as_weight = {
        **losses,
        "a": torch.addmm(torch.zeros(2, 6).double(), torch.ones(2, 4).double(), z.T).sum(),
    }
    scaled = {
        **losses,
        "a": torch.addmm(torch.zeros(6, 2).double(), z, torch.ones(4, 2).double(), alpha=2).sum(),
    }
    one_head = {task: (net.heads["a"](z) * k).sum() for k, task in enumerate("ab", 1)}
    for changed in (twice, directly, turned, as_weight, scaled):
        assert linear_readers(changed, z) is None
    assert linear_readers(losses, z) is not None
    assert linear_readers(one_head, z) is not None  # two nodes, though they share the weight
    shared = net.heads["a"](z)
    assert linear_readers({"a": shared.sum(), "b": shared.square().sum()}, z) is None
    maps = torch.ones(2, 3, 4, requires_grad=True)
    assert linear_readers({"a": maps.sum()}, maps) is None
