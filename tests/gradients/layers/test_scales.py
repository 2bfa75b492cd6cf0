"""Short rows of normalisations, biases and scales against the slow loop."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tests.gradients.layers.test_weights import losses_at
from tests.gradients.products import assert_exact

NORMS: list[tuple[nn.Module, tuple[int, ...]]] = [
    (nn.LayerNorm(5), (4, 5)),
    (nn.LayerNorm((3, 5)), (4, 3, 5)),
    (nn.LayerNorm(5, bias=False), (2, 3, 5)),
    (nn.BatchNorm1d(5), (4, 5)),
    (nn.BatchNorm2d(3), (4, 3, 2, 2)),
    (nn.BatchNorm2d(3, track_running_stats=False), (4, 3, 2, 2)),
    (nn.BatchNorm3d(3), (2, 3, 2, 2, 2)),
    (nn.GroupNorm(2, 4), (3, 4, 2, 2)),
    (nn.GroupNorm(1, 4), (3, 4)),
    (nn.InstanceNorm2d(3, affine=True), (2, 3, 4, 4)),
    (nn.RMSNorm(5), (2, 3, 5)),
]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("layer", "shape"), NORMS)
def test_norms(layer: nn.Module, shape: tuple[int, ...], training: bool) -> None:
    layer = layer.double().train(training)
    plan = assert_exact(losses_at(layer(torch.randn(shape).double())), tolerance=1e-10)
    if not isinstance(layer, nn.InstanceNorm2d):  # it repeats its parameters for each example
        assert plan.coverage == 1.0


@pytest.mark.parametrize("frozen", ["weight", "bias"])
@pytest.mark.parametrize(("layer", "shape"), [NORMS[0], NORMS[4], NORMS[7]])
def test_norms_of_which_half_is_frozen(
    layer: nn.Module, shape: tuple[int, ...], frozen: str
) -> None:
    getattr(layer, frozen).requires_grad_(False)
    plan = assert_exact(losses_at(layer.double()(torch.randn(shape).double())), tolerance=1e-10)
    getattr(layer, frozen).requires_grad_(True)
    assert plan.coverage == 1.0


@pytest.mark.parametrize("norm", [nn.GroupNorm(2, 4), nn.BatchNorm2d(4)])
def test_norms_of_another_memory_layout(norm: nn.Module) -> None:
    trunk = nn.Sequential(nn.Conv2d(4, 4, 1), norm).double()
    trunk = trunk.to(memory_format=torch.channels_last)
    x = torch.randn(3, 4, 2, 2).double().contiguous(memory_format=torch.channels_last)
    assert assert_exact(losses_at(trunk(x)), tolerance=1e-10).coverage == 1.0


@pytest.mark.parametrize("shape", [(5,), (3, 5), (3, 1), (1, 5), (1,), (), (2, 3, 5)])
@pytest.mark.parametrize(
    "use",
    [
        lambda x, p: x + p,
        lambda x, p: p + x,
        lambda x, p: x * p,
        lambda x, p: p * x,
        lambda x, p: p * 2.0 + x,
        lambda x, p: x.clone().add_(p),
        lambda x, p: x.clone().mul_(p),
    ],
)
def test_biases_and_scales_are_repeated(
    use: Callable[[Tensor, Tensor], Tensor], shape: tuple[int, ...]
) -> None:
    p, x = nn.Parameter(torch.randn(shape).double()), torch.randn(2, 3, 5).double()
    assert assert_exact(losses_at(use(x, p)), tolerance=1e-10).coverage == 1.0


def test_two_parameters_of_one_operation() -> None:
    p, q = (nn.Parameter(torch.randn(shape).double()) for shape in ((3, 1), (5,)))
    for output in (p + q, p * q):
        assert assert_exact(losses_at(output), tolerance=1e-10).coverage == 1.0


def test_a_parameter_seen_through_a_view_is_taken_as_it_is() -> None:
    p = nn.Parameter(torch.randn(3).double())
    x = torch.randn(2, 3, 3).double()
    assert assert_exact(losses_at(x + p.view(3, 1)), tolerance=1e-10).coverage == 0.0
