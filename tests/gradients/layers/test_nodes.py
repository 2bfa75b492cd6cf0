"""Which nodes have a short row; the others' parameters get their gradient as it is."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from plait.gradients import LayerPlan
from plait.gradients.layers.nodes import saves_through_hooks
from tests.gradients.nets import heads, losses_of
from tests.gradients.products import assert_exact


def coverage(trunk: nn.Module, forward: Callable[[Tensor], Tensor] | None = None) -> float:
    x = torch.randn(6, 5)
    output = trunk(x) if forward is None else forward(x)
    return assert_exact(losses_of(output, heads(4, "abc"))).coverage


def test_a_checkpointed_layer_has_none() -> None:
    """Its inputs would have to be computed again."""
    trunk = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 4))

    def forward(x: Tensor) -> Tensor:
        found: Tensor = checkpoint(trunk, x, use_reentrant=False)
        return found

    assert coverage(trunk) == 1.0
    assert coverage(trunk, forward) == 0.0


def test_saved_tensors_with_hooks_are_not_read() -> None:
    trunk, unpacked = nn.Linear(5, 4), []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: tensor, lambda tensor: unpacked.append(1) or tensor
    ):
        output = trunk(torch.randn(6, 5))
    losses = losses_of(output, heads(4, "ab"))
    plan = LayerPlan.of(losses, list(trunk.parameters()))
    assert plan.coverage == 0.0
    assert not unpacked


def test_half_precision_has_none() -> None:
    """The gradient at the parameter is rounded, and so has to be its row."""
    trunk = nn.Linear(5, 4)

    def forward(x: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return trunk(x).float()

    assert coverage(trunk, forward) == 0.0
    assert coverage(trunk.bfloat16(), lambda x: trunk(x.bfloat16()).float()) == 0.0


def test_weight_norm_and_spectral_norm_have_none_for_the_product() -> None:
    for parametrize in (
        nn.utils.parametrizations.weight_norm,
        nn.utils.parametrizations.spectral_norm,
    ):
        layer = parametrize(nn.Linear(5, 4))
        plan = assert_exact(losses_of(layer(torch.randn(6, 5)), heads(4, "abc")))
        assert [id(parameter) for _, row in plan.layers for parameter in row.parameters] == [
            id(layer.bias)
        ]


def test_an_unknown_operation_has_none() -> None:
    layer = nn.PReLU(4)
    trunk = nn.Sequential(nn.Linear(5, 4), layer)
    assert 0 < coverage(trunk) < 1


class Doubled(torch.autograd.Function):
    """A node written in Python."""

    @staticmethod
    def forward(ctx: object, x: Tensor, weight: Tensor) -> Tensor:
        return 2 * x @ weight.T

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        return gradient.new_zeros(6, 5), gradient.new_ones(4, 5) * gradient.sum()


def test_a_node_written_in_python_has_none() -> None:
    weight = nn.Parameter(torch.randn(4, 5))
    losses = losses_of(Doubled.apply(torch.randn(6, 5), weight), heads(4, "abc"))
    assert assert_exact(losses).coverage == 0.0


def test_scaled_sums_have_none() -> None:
    """`addmm` and `add` with factors other than 1."""
    w, b, x = nn.Parameter(torch.randn(5, 4)), nn.Parameter(torch.randn(4)), torch.randn(6, 5)
    scaled = torch.addmm(b, x, w, alpha=2.0, beta=3.0)
    assert assert_exact(losses_of(scaled, heads(4, "ab"))).coverage == 0.0
    w, b = nn.Parameter(torch.randn(5, 4)), nn.Parameter(torch.randn(4))
    scaled = torch.add(x @ w, b, alpha=2.0)
    assert assert_exact(losses_of(scaled, heads(4, "ab"))).coverage == 20 / 24


def test_a_subclass_of_tensor_has_none() -> None:
    class Named(nn.Parameter):
        pass

    layer = nn.Linear(5, 4, bias=False)
    layer.weight = Named(layer.weight.detach())
    assert coverage(layer) == 0.0


@pytest.mark.parametrize("forward", [F.linear, lambda x, w: (w @ x.T).T])
def test_the_weight_may_stand_on_either_side(forward: Callable[[Tensor, Tensor], Tensor]) -> None:
    weight = nn.Parameter(torch.randn(4, 5))
    assert_exact(losses_of(forward(torch.randn(6, 5), weight), heads(4, "abc")))


@pytest.mark.slow
def test_a_compiled_module_has_none() -> None:
    trunk = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 4))
    compiled = torch.compile(trunk, backend="aot_eager")
    assert coverage(trunk, compiled) == 0.0


def test_what_is_saved_through_hooks_is_seen_and_not_read() -> None:
    x, unpacked = torch.randn(3, 4, requires_grad=True), []
    plain = (x.exp(), x[:, [0, 1]], x + 1)
    assert not any(saves_through_hooks(each.grad_fn) for each in plain)
    with torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: tensor, lambda tensor: unpacked.append(1) or tensor
    ):
        hooked = (x.exp(), x[:, [0, 1]], x * x)
        nothing_saved = x + 1
    assert all(saves_through_hooks(each.grad_fn) for each in hooked)
    assert not saves_through_hooks(nothing_saved.grad_fn)
    assert not unpacked
