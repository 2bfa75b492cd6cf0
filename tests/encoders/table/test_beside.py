"""Blocks that act on the first channels."""

import torch
from torch import nn

from plait.encoders.table import Beside, Residual


def test_the_other_channels_are_handed_on() -> None:
    block = Beside(3, nn.Linear(3, 3), nn.ReLU())
    x = torch.randn(5, 7)
    out = block(x)
    assert torch.equal(out[:, 3:], x[:, 3:])
    assert torch.equal(out[:, :3], block.layers(x[:, :3]))
    assert torch.equal(block(x[:, :3]), out[:, :3])  # none to hand on


def test_a_residual_block_adds_to_its_input() -> None:
    block = Residual(4, 0.5).eval()
    norm, first, _, _, second, _ = block.body
    x = torch.randn(6, 4)
    expected = x + second(first(norm(x)).clamp(min=0))
    torch.testing.assert_close(block(x), expected)
