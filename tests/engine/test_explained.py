"""Compiled modules: several passes through one graph, or what to write for them."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch._functorch.config as compiled
from torch import Tensor, nn

import plait
from plait.balancing import IMTLG, CAGrad, Equal, GradDrop, PCGrad, UncertaintyWeights, UPGrad
from plait.core.errors import ConfigError
from plait.engine.explained import explained

Losses = dict[str, Tensor]
SAID = (
    "This backward function was compiled with non-empty donated buffers which requires "
    "create_graph=False and retain_graph=False. Please keep backward(create_graph=False, "
    "retain_graph=False) across all backward() function calls."
)


@pytest.fixture(autouse=True)
def switch() -> Iterator[None]:
    """The switch is as torch has it, before and after."""
    before = compiled.donated_buffer
    compiled.donated_buffer = True
    yield
    compiled.donated_buffer = before


class ForOnePass(torch.autograd.Function):
    """Is 1 x, and refuses every pass that keeps the graph, as a compiled function does."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        if torch._C._autograd._get_current_graph_task_keep_graph():
            raise RuntimeError(SAID)
        return grads[0]


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.trunk = nn.Sequential(nn.Linear(4, 8), nn.Tanh())
        self.a, self.b = nn.Linear(8, 1), nn.Linear(8, 1)

    def losses(self, x: Tensor, trunk: Any = None) -> Losses:
        z = (trunk or self.trunk)(x)
        return {"a": (self.a(z) - 1).square().mean(), "b": (self.b(z) + x[:, :1]).square().mean()}

    def gradients(self) -> list[Tensor | None]:
        return [parameter.grad for parameter in self.parameters()]


@pytest.mark.filterwarnings("ignore:`chunk_size` 2 is not possible here")
@pytest.mark.parametrize("method", [UPGrad, PCGrad, CAGrad, GradDrop, IMTLG])
@pytest.mark.parametrize("options", [{}, {"route": "layers"}, {"chunk_size": 2}])
def test_a_graph_for_one_pass_is_refused_with_the_switch(method: Any, options: Any) -> None:
    if options.get("route") and method not in (UPGrad, CAGrad):
        pytest.skip("reads no whole Gramian")
    net = Net()
    found = net.losses(torch.randn(6, 4), lambda x: ForOnePass.apply(net.trunk(x)))
    with pytest.raises(ConfigError, match=r"`torch\._functorch\.config\.donated_buffer = False`"):
        plait.backward(found, method(), **options)
    assert net.gradients() == [None] * 6


def test_so_is_a_penalty_beside_the_losses() -> None:
    net = Net()
    z = ForOnePass.apply(net.trunk(torch.randn(6, 4)))
    with pytest.raises(ConfigError, match=r"a penalty beside the losses .*donated_buffer"):
        plait.backward({"a": net.a(z).sum()}, Equal(), z.square().sum())
    assert net.gradients() == [None] * 6


@pytest.mark.parametrize("make", [Equal, lambda: UncertaintyWeights(tasks=["a", "b"])])
def test_one_pass_is_enough_for_methods_that_read_the_losses(make: Any) -> None:
    net = Net()
    found = net.losses(torch.randn(6, 4), lambda x: ForOnePass.apply(net.trunk(x)))
    plait.backward(found, make())
    assert all(gradient is not None for gradient in net.gradients())


def test_other_errors_pass_as_they_are() -> None:
    assert explained(RuntimeError("out of memory"), "UPGrad") is None
    assert explained(ValueError(SAID), "UPGrad") is None


@pytest.mark.parametrize("made", [lambda: plait.Backward(UPGrad()), None])
def test_whoever_makes_backward_need_not_set_the_switch(made: Any) -> None:
    if made is None:
        net = Net()
        plait.backward(net.losses(torch.randn(6, 4)), Equal())
    else:
        made()
    assert compiled.donated_buffer is False


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the compiler
@pytest.mark.parametrize("whole", [False, True])
def test_compiled_modules_train_as_others_do(whole: bool) -> None:
    """Inductor, batches of several sizes (each compiles anew), every route."""
    torch.compiler.reset()
    for make, options in (
        (Equal, {}),
        (UPGrad, {}),
        (UPGrad, {"route": "layers"}),
        (PCGrad, {}),
        (GradDrop, {}),
    ):
        net, twin = Net(), Net()
        steps, plain = (
            plait.Backward(make(), net, **options),
            plait.Backward(make(), twin, **options),
        )
        torch.manual_seed(1)
        if whole:
            net.compile()
        trunk = torch.compile(net.trunk)
        for size in (16, 16, 12, 5):
            x = torch.randn(size, 4)
            torch.manual_seed(2)
            steps(net.losses(x, trunk))
            torch.manual_seed(2)
            plain(twin.losses(x))
            for found, expected in zip(net.gradients(), twin.gradients(), strict=True):
                torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
