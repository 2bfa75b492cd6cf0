import torch
from torch import nn
from torch.nn import functional as F

from plait.core.lookup import options_of
from plait.encoders import ResidualEncoder
from plait.encoders.residual_encoder import ResidualBlock
from plait.networks import encode, shortcut_of, units_of


def slow_block(block: ResidualBlock, x: torch.Tensor, stride: int) -> torch.Tensor:
    first, second = (part for part in block.body if isinstance(part, nn.Conv2d))
    scale = (1 + 1e-5) ** -0.5  # fresh statistics: mean 0, variance 1
    hidden = (F.conv2d(x, first.weight, stride=stride, padding=1) * scale).clamp(min=0)
    hidden = F.conv2d(hidden, second.weight, padding=1) * scale
    if block.shortcut is None:
        return (x + hidden).clamp(min=0)
    weight = block.shortcut.get_parameter("1.weight")
    return (F.conv2d(x, weight, stride=stride) * scale + hidden).clamp(min=0)


def test_it_is_a_convolution_and_stages_of_residual_blocks() -> None:
    encoder = ResidualEncoder(in_channels=2, widths=(4, 6), blocks=2).eval()
    images = torch.randn(2, 2, 9, 14)
    hidden = F.conv2d(images, encoder.get_parameter("stages.0.0.0.weight"), padding=1)
    hidden = (hidden * (1 + 1e-5) ** -0.5).clamp(min=0)
    for stage in encoder.stages:
        blocks = [block for block in stage if isinstance(block, ResidualBlock)]
        assert len(blocks) == 2
        for block, stride in zip(blocks, (2, 1), strict=True):
            hidden = slow_block(block, hidden, stride)
    torch.testing.assert_close(encoder(images), hidden)


def test_each_stage_halves_the_grid() -> None:
    levels = encode(ResidualEncoder(widths=(4, 6, 8), blocks=1), torch.zeros(2, 3, 17, 30)).levels
    assert [tuple(level.shape[1:]) for level in levels] == [(4, 9, 15), (6, 5, 8), (8, 3, 4)]


def test_all_of_its_blocks_can_be_skipped() -> None:
    encoder = ResidualEncoder(widths=(4, 6), blocks=3)
    units = [[unit.shortcut is not None for unit in stage] for stage in units_of(encoder)]
    assert units == [[False, True, True, True], [True, True, True]]
    assert isinstance(shortcut_of(encoder.stages[0][1]), nn.Sequential)


def test_the_number_of_parameters() -> None:
    """Convolutions without bias, and two numbers per channel after each."""
    encoder = ResidualEncoder(in_channels=3, widths=(4, 6), blocks=2)
    stem = 9 * 3 * 4 + 2 * 4
    one = 4 * (9 * 4 * 4 + 2 * 4) + (4 * 4 + 2 * 4)
    two = (9 * 4 * 6 + 2 * 6) + 3 * (9 * 6 * 6 + 2 * 6) + (4 * 6 + 2 * 6)
    assert sum(p.numel() for p in encoder.parameters()) == stem + one + two


def test_its_options_are_kept() -> None:
    options = {"in_channels": 1, "widths": (4, 6), "blocks": 1}
    assert options_of(ResidualEncoder(**options)) == options


def test_it_is_trained_as_a_whole() -> None:
    encoder = ResidualEncoder(widths=(4, 6), blocks=1)
    encoder(torch.randn(4, 3, 16, 16)).square().sum().backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in encoder.parameters())


def test_no_convolution_1x1_has_a_stride() -> None:
    """Their gradient writes past its memory in torch 2.13 on a CPU; `Every` stands in for it."""
    layers = [module for module in ResidualEncoder().modules() if isinstance(module, nn.Conv2d)]
    assert {layer.stride for layer in layers if layer.kernel_size == (1, 1)} == {(1, 1)}
    assert {layer.stride for layer in layers if layer.kernel_size == (3, 3)} == {(1, 1), (2, 2)}
