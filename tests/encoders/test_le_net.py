"""LeNet against its layers one by one, its size by hand, and images that are too small."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from plait.core.errors import ConfigError
from plait.core.lookup import options_of
from plait.encoders import LeNet
from plait.networks import encode


def test_it_is_two_blocks_and_a_linear_layer() -> None:
    encoder = LeNet()
    images = torch.randn(3, 1, 28, 28)
    first, second = (m for m in encoder.modules() if isinstance(m, nn.Conv2d))
    (linear,) = (m for m in encoder.modules() if isinstance(m, nn.Linear))
    maps = F.max_pool2d(F.conv2d(images, first.weight, first.bias), 2).clamp(min=0)
    maps = F.max_pool2d(F.conv2d(maps, second.weight, second.bias), 2).clamp(min=0)
    expected = F.linear(maps.flatten(1), linear.weight, linear.bias).clamp(min=0)
    torch.testing.assert_close(encoder(images), expected)


def test_each_block_and_the_linear_layer_are_stages() -> None:
    levels = encode(LeNet(), torch.zeros(2, 1, 28, 28)).levels
    assert [tuple(each.shape) for each in levels] == [(2, 10, 12, 12), (2, 20, 4, 4), (2, 50)]


def test_its_parameters_are_those_of_the_paper() -> None:
    """260 of the first convolution, 5,020 of the second, 16,050 of the linear layer."""
    assert sum(p.numel() for p in LeNet().parameters()) == 260 + 5020 + 16050


def test_its_options_are_kept() -> None:
    options = {"in_channels": 3, "size": 36, "widths": (4, 6), "features": 7}
    assert options_of(LeNet(**options)) == options
    assert LeNet(**options)(torch.zeros(2, 3, 36, 36)).shape == (2, 7)


def test_images_that_are_too_small_are_refused() -> None:
    with pytest.raises(ConfigError, match="too small for 3 blocks"):
        LeNet(widths=(4, 4, 4))
    with pytest.raises(ConfigError, match="size"):
        LeNet(size=5)
