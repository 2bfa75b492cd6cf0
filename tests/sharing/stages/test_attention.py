"""Layers that fit the values of a stage, and the residual block by hand."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from plait.core.errors import ShapeError
from plait.sharing.stages.attention import BatchNorm, Layers, ProjectedBlock, mask_layers

SHAPES = [((6,), 1), ((6, 9), 1), ((6, 8, 9), 1), ((6, 4, 5, 3), 1), ((7, 6), -1)]


def batch_of(shape: tuple[int, ...]) -> torch.Tensor:
    return torch.randn(3, *shape)


@pytest.mark.parametrize(("shape", "channel_dim"), SHAPES)
@pytest.mark.parametrize("bottleneck", [False, True])
def test_layers_keep_the_grid_of_any_value(
    shape: tuple[int, ...], channel_dim: int, bottleneck: bool
) -> None:
    layers = Layers.of(shape, channel_dim)
    x = batch_of(shape)
    expected = list(x.shape)
    expected[channel_dim] = 10
    assert list(ProjectedBlock(layers, 6, 10, bottleneck)(x).shape) == expected
    mask = mask_layers(layers, 6, 4, 10)(x)
    assert list(mask.shape) == expected
    assert mask.min() > 0 and mask.max() < 1


def test_a_map_of_four_axes_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"one to three axes; found a map .*\[6, 2, 2, 2, 2"):
        Layers.of((6, 2, 2, 2, 2), 1)


def test_the_residual_block_is_its_formula() -> None:
    block = ProjectedBlock(Layers.of((6, 5), 1), 6, 4, bottleneck=False).eval()
    x = batch_of((6, 5))
    one, first, _, two, second = block.body
    inner = F.relu(first(F.conv1d(x, one.weight, padding=1)))
    outer = second(F.conv1d(inner, two.weight, padding=1))
    projected = block.shortcut[1](F.conv1d(x, block.shortcut[0].weight))
    torch.testing.assert_close(block(x), F.relu(outer + projected))


def test_a_bottleneck_has_a_quarter_of_the_channels_and_at_least_one() -> None:
    for fan_out, mid in ((12, 3), (2, 1)):
        block = ProjectedBlock(Layers(2), 5, fan_out, bottleneck=True)
        kernels = [layer.weight.shape for layer in block.body if isinstance(layer, nn.Conv2d)]
        assert kernels == [(mid, 5, 1, 1), (mid, mid, 3, 3), (fan_out, mid, 1, 1)]


def test_batch_norm_is_torchs_own_and_takes_one_value_as_well() -> None:
    own, torchs = BatchNorm(4), nn.BatchNorm2d(4)
    x = torch.randn(3, 4, 2, 2)
    torch.testing.assert_close(own(x), torchs(x))
    one = torch.randn(1, 4, 1, 1)  # torch refuses it: one value has no variance
    torchs.eval()
    torch.testing.assert_close(own(one), torchs(one))


def test_one_channel_of_a_vector_is_not_normalised_to_a_constant() -> None:
    assert isinstance(Layers(0).norm(1), nn.Identity)
    assert isinstance(Layers(0).norm(2), nn.LayerNorm)
