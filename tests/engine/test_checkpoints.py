"""Reentrant checkpoints: refused where several passes are needed, and as torch does elsewhere."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

import plait
from plait.balancing import MGDA, Equal, GradDrop, GradNorm, PCGrad, UncertaintyWeights, UPGrad
from plait.core.errors import ConfigError, NonFiniteError
from plait.networks.joined import Joined

Losses = dict[str, Tensor]


class Net(nn.Module):
    def __init__(self, first: bool = True) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Linear(4, 4) if first else nn.Identity()
        self.block, self.a, self.b = nn.Linear(4, 8), nn.Linear(8, 1), nn.Linear(8, 1)

    def losses(self, x: Tensor, reentrant: bool = True) -> Losses:
        z = checkpoint(lambda h: self.block(h).tanh(), self.first(x), use_reentrant=reentrant)
        return {"a": self.a(z).square().mean(), "b": (self.b(z) - 1).square().mean()}


def batch() -> Tensor:
    return torch.randn(6, 4, generator=torch.Generator().manual_seed(1)).requires_grad_()


def gradients(net: Net) -> list[Tensor]:
    return [p.grad.clone() for p in net.parameters() if p.grad is not None]


# without either, torch itself gives nothing inside
@pytest.mark.parametrize(("first", "inputs"), [(True, False), (False, True), (True, True)])
@pytest.mark.parametrize("with_model", [False, True])
def test_the_plain_sum_works_as_in_torch(first: bool, with_model: bool, inputs: bool) -> None:
    net, twin, balancer = Net(first), Net(first), Equal()
    x, other = batch().requires_grad_(inputs), batch().requires_grad_(inputs)
    options = {"model": net} if with_model else {}
    for _ in range(2):  # the second adds to what is there
        plait.backward(net.losses(x), balancer, **options)
        sum(twin.losses(other).values()).backward()
    assert len(gradients(net)) == len(list(net.parameters()))
    for found, expected in zip(gradients(net), gradients(twin), strict=True):
        torch.testing.assert_close(found, expected)
    if inputs:
        torch.testing.assert_close(x.grad, other.grad)


def test_micro_batches_add_up_inside() -> None:
    net, twin, run = Net(), Net(), plait.Backward(Equal())
    run.start()
    for _ in range(2):
        run.add(net.losses(batch()), {"a": 0.5, "b": 0.5})
    run.finish()
    sum(twin.losses(batch()).values()).backward()
    for found, expected in zip(gradients(net), gradients(twin), strict=True):
        torch.testing.assert_close(found, expected)


def test_weights_of_a_method_that_reads_the_losses_count_inside() -> None:
    net, twin = Net(), Net()
    one, two = Equal(weights={"a": 3.0}), UncertaintyWeights()
    two.setup(("a", "b"))
    for balancer in (one, two):
        net.zero_grad()
        twin.zero_grad()
        plait.backward(net.losses(batch()), balancer)
        plait.backward(twin.losses(batch(), reentrant=False), balancer)
        for found, expected in zip(gradients(net), gradients(twin), strict=True):
            torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (UPGrad, {"route": "rows"}),
        (MGDA, {"route": "layers"}),
        (PCGrad, {}),
        (GradDrop, {}),
        (GradNorm, {}),
        (Equal, {"head_weights": "unit"}),
    ],
)
@pytest.mark.parametrize("first", [False, True])
def test_methods_of_several_passes_refuse_it(
    make: Any, options: dict[str, Any], first: bool
) -> None:
    net, balancer = Net(first), make()
    balancer.setup(("a", "b"))
    with pytest.raises(ConfigError, match=f"{make.__name__} .* use_reentrant=False"):
        plait.backward(net.losses(batch()), balancer, **options)
    assert not gradients(net)


def test_a_loss_that_is_not_finite_changes_nothing_inside() -> None:
    net = Net()
    losses = net.losses(batch())
    with pytest.raises(NonFiniteError, match="'b'"):
        plait.backward({**losses, "b": losses["b"] * float("nan")}, Equal())
    assert not gradients(net)


def test_joined_parameters_behind_a_checkpoint() -> None:
    """Their gradient is that of the plain sum, and comes once on top of what was there."""
    net, twin = Net(), Net()
    made = Joined({"a": net.a.weight, "b": net.b.weight})
    for _ in range(2):
        plait.backward(net.losses(batch()), Equal(), model=net)
        sum(twin.losses(batch()).values()).backward()
    expected = torch.stack([twin.a.weight.grad, twin.b.weight.grad])
    torch.testing.assert_close(made.whole.grad, expected)
    assert net.a.weight.grad is None
    torch.testing.assert_close(net.block.weight.grad, twin.block.weight.grad)
