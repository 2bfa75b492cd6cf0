"""Signals on the channels and positions of another task."""

import pytest
import torch
from torch.nn import functional as F

from plait.connections.signals.channel_map import ChannelMap, onto, widened, with_last
from plait.core.features import Features, FeatureShape


def test_a_map_of_channels_is_a_linear_layer_or_a_convolution_of_one_pixel() -> None:
    for shape in ((2, 3), (2, 3, 5), (2, 3, 5, 4)):
        layer, x = ChannelMap(3, 6, 1), torch.randn(*shape)
        weight = layer.linear.weight.reshape(6, 3, *[1] * (len(shape) - 2))
        conv = (F.linear, F.conv1d, F.conv2d)[len(shape) - 2]
        torch.testing.assert_close(layer(x), conv(x, weight, layer.linear.bias))
    layer, x = ChannelMap(3, 6, -1, bias=False), torch.randn(2, 5, 3)
    torch.testing.assert_close(layer(x), x @ layer.linear.weight.T)
    assert layer.linear.bias is None


def test_the_same_positions_are_kept() -> None:
    tokens, maps = torch.randn(2, 5, 3), torch.randn(2, 3, 4, 6)
    assert torch.equal(onto(tokens, -1, torch.zeros(2, 5, 7), -1), tokens)
    assert torch.equal(onto(tokens, -1, torch.zeros(2, 7, 5), 1), tokens.mT)
    assert torch.equal(onto(maps, 1, torch.zeros(2, 9, 4, 6), 1), maps)
    assert torch.equal(onto(maps, 1, torch.zeros(2, 4, 6, 9), -1), maps.movedim(1, -1))
    assert torch.equal(onto(tokens[:, 0], 1, torch.zeros(2, 7), -1), tokens[:, 0])
    one = torch.randn(2)
    assert torch.equal(onto(one, 1, torch.zeros(2, 7), 1), one[:, None])


def test_maps_are_averaged_onto_a_coarser_grid_and_repeated_on_a_finer_one() -> None:
    maps = torch.randn(2, 3, 4, 6)
    coarse = onto(maps, 1, torch.zeros(2, 1, 2, 3), 1)
    torch.testing.assert_close(coarse, F.avg_pool2d(maps, 2))
    fine = onto(maps, 1, torch.zeros(2, 8, 12, 1), -1)
    torch.testing.assert_close(
        fine, maps.repeat_interleave(2, 2).repeat_interleave(2, 3).movedim(1, -1)
    )
    shares = onto(maps.softmax(1), 1, torch.zeros(2, 1, 3, 5), 1)
    torch.testing.assert_close(shares.sum(1), torch.ones(2, 3, 5))


@pytest.mark.parametrize(
    ("like", "channel_dim"), [((2, 7), 1), ((2, 9, 7), -1), ((2, 7, 3, 3), 1), ((2, 3, 3, 7), -1)]
)
def test_all_else_is_a_mean_for_every_position(like: tuple[int, ...], channel_dim: int) -> None:
    tokens = torch.randn(2, 5, 4)
    mask = torch.tensor([[True] * 5, [True] * 2 + [False] * 3])
    for given, mean in (
        (None, tokens.mean(1)),
        (mask, torch.stack([tokens[0].mean(0), tokens[1, :2].mean(0)])),
        (mask[:, :3], tokens.mean(1)),  # of other positions
    ):
        found = onto(tokens, -1, torch.zeros(like), channel_dim, given)
        expected = list(like)
        expected[channel_dim] = 4
        assert list(found.shape) == expected
        flat = found.movedim(channel_dim, 1).reshape(2, 4, -1)
        for position in range(flat.shape[2]):
            torch.testing.assert_close(flat[:, :, position], mean)


def test_the_last_level_is_changed_and_no_other() -> None:
    assert widened(FeatureShape(((3, 8, 8), (4, 4, 4))), 2).levels == ((3, 8, 8), (6, 4, 4))
    assert widened(FeatureShape(((5, 3), (5, 4)), -1), 2).levels == ((5, 3), (5, 6))
    assert widened(FeatureShape(((5, 3),), -1), 2).channel_dim == -1
    one, two, mask = torch.zeros(1, 2, 3), torch.ones(1, 2, 3), torch.ones(1, 2).bool()
    found = with_last(Features((one, one), -1, mask, (4, 4)), two)
    assert found.levels == (one, two)
    assert (found.channel_dim, found.mask, found.grid) == (-1, mask, (4, 4))
