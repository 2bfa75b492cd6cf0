"""The network for vectors: linear layers with ReLU, or nothing at all."""

from itertools import pairwise

import pytest
import torch
from torch.nn import functional as F

from plait.core.lookup import options_of
from plait.encoders import MLPEncoder
from plait.networks import encode, stages_of


@pytest.mark.parametrize("widths", [(6,), (7, 4, 5)])
def test_a_block_is_a_linear_layer_and_relu(widths: tuple[int, ...]) -> None:
    encoder = MLPEncoder(in_features=3, widths=widths)
    inputs = torch.randn(5, 3)
    parameters = list(encoder.parameters())
    expected = [inputs]
    for weight, bias in zip(parameters[::2], parameters[1::2], strict=True):
        expected.append(F.linear(expected[-1], weight, bias).clamp(min=0))
    torch.testing.assert_close(encoder(inputs), expected[-1])
    levels = encode(encoder, inputs).levels
    assert len(levels) == len(stages_of(encoder)) == len(widths)
    for level, each in zip(levels, expected[1:], strict=True):
        torch.testing.assert_close(level, each)


def test_the_number_of_parameters_is_that_of_its_layers() -> None:
    encoder = MLPEncoder(in_features=27, widths=(64, 32))
    expected = sum((a + 1) * b for a, b in pairwise([27, 64, 32]))
    assert sum(p.numel() for p in encoder.parameters()) == expected


def test_without_a_block_it_hands_on_the_inputs() -> None:
    encoder, inputs = MLPEncoder(in_features=3), torch.randn(4, 3)
    assert torch.equal(encoder(inputs), inputs)
    assert torch.equal(encode(encoder, inputs).levels[-1], inputs)
    assert len(stages_of(encoder)) == 1
    assert not list(encoder.parameters())


def test_first_weights_keep_the_variance() -> None:
    """Through ten blocks: with torch's own start it shrinks to about 6^-10."""
    torch.manual_seed(0)
    encoder = MLPEncoder(in_features=256, widths=(256,) * 10)
    assert 0.2 < encoder(torch.randn(200, 256)).square().mean() < 5
    assert not any(bool(p.any()) for p in encoder.parameters() if p.dim() == 1)


def test_its_options_are_kept() -> None:
    options = {"in_features": 5, "widths": (4, 6)}
    assert options_of(MLPEncoder(**options)) == options
