from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from plait.core.lookup import options_of
from plait.encoders import ConvEncoder
from plait.networks import encode, stages_of


@pytest.mark.parametrize("norm", [False, True])
def test_a_block_is_convolution_norm_relu_and_pooling(norm: bool) -> None:
    encoder = ConvEncoder(in_channels=2, widths=(3, 5), norm=norm).eval()
    images = torch.randn(2, 2, 9, 14)
    expected = images
    for stage in encoder.stages:
        convolution = next(part for part in stage if isinstance(part, nn.Conv2d))
        expected = F.conv2d(expected, convolution.weight, convolution.bias, padding=1)
        if norm:
            expected = expected / (1 + 1e-5) ** 0.5  # fresh statistics: mean 0, variance 1
        expected = F.max_pool2d(expected.clamp(min=0), 2)
    torch.testing.assert_close(encoder(images), expected)


@pytest.mark.parametrize("size", [(16, 16), (17, 31)])
def test_each_block_is_a_stage_and_halves_the_grid(size: tuple[int, int]) -> None:
    encoder = ConvEncoder(widths=(4, 6, 8))
    assert len(stages_of(encoder)) == 3
    levels = encode(encoder, torch.zeros(2, 3, *size)).levels
    height, width = size
    shapes = [(2, c, height // 2**b, width // 2**b) for b, c in ((1, 4), (2, 6), (3, 8))]
    assert [tuple(level.shape) for level in levels] == shapes


def test_the_number_of_parameters_is_that_of_its_convolutions() -> None:
    """9 x in x out weights and out biases; with norm two numbers per channel in place of a bias."""
    for norm, own in ((False, 1), (True, 2)):
        encoder = ConvEncoder(norm=norm)
        sizes = [3, 64, 128, 256]
        expected = sum(9 * a * b + own * b for a, b in pairwise(sizes))
        assert sum(p.numel() for p in encoder.parameters()) == expected


def test_its_options_are_kept() -> None:
    options = {"in_channels": 1, "widths": (4, 6), "norm": True}
    assert options_of(ConvEncoder(**options)) == options


def test_it_is_trained_as_a_whole() -> None:
    encoder = ConvEncoder(widths=(4, 6))
    encoder(torch.randn(2, 3, 16, 16)).sum().backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in encoder.parameters())
