"""What of an encoder can be skipped."""

from typing import Any

import torch
from torch import Tensor, nn

from plait.core.structure import Masked
from plait.networks import blocks_that_keep_shape, run_all, shortcut_of, units_of
from tests.sharing.encoders import Block, residual


class Named(nn.Module):
    """A block whose shortcut has the name of torchvision."""

    def __init__(self, downsample: nn.Module | None) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 4)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)


def test_a_block_declares_its_shortcut() -> None:
    projected, kept = Block(6, 4), Block(4, 4)
    assert shortcut_of(projected) is projected.shortcut
    x = torch.randn(2, 4)
    identity = shortcut_of(kept)
    assert identity is not None
    assert identity(x) is x
    assert shortcut_of(nn.Linear(4, 4)) is None
    assert shortcut_of(torch.tanh) is None


def test_the_name_of_the_shortcut_can_be_another() -> None:
    own = nn.Linear(4, 4)
    assert shortcut_of(Named(own), "downsample") is own
    assert shortcut_of(Named(None), "downsample") is not None
    assert shortcut_of(Named(own)) is None


def test_residual_blocks_are_found_within_sequences_and_the_rest_is_kept_whole() -> None:
    net = residual()
    units = units_of(net)
    assert [[unit.shortcut is not None for unit in block] for block in units] == [
        [False],
        [True, True],
        [True],
    ]
    assert list(units[0][0].stages) == [net[0]]
    hidden: Any = torch.randn(3, 5)
    expected = net(hidden)
    for block in units:
        for unit in block:
            hidden = unit.run(hidden, None)
    assert torch.equal(hidden, expected)


def test_a_deeper_sequence_is_taken_apart_as_far_as_needed() -> None:
    plain = nn.Sequential(nn.Linear(4, 4), nn.Tanh())
    net = nn.Sequential(nn.Sequential(plain, nn.Sequential(Block(4, 4), nn.ReLU())), Block(4, 4))
    units = units_of(net)
    assert [len(block) for block in units] == [3, 1]
    assert list(units[0][0].stages) == [plain]
    assert [unit.shortcut is not None for unit in units[0]] == [False, True, False]


def test_without_declared_shortcuts_blocks_that_keep_the_shape_can_be_skipped() -> None:
    net = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    kept = blocks_that_keep_shape(net, torch.zeros(2, 5))
    assert kept == [1]
    units = units_of(net, kept=kept)
    assert [unit.shortcut is not None for (unit,) in units] == [False, True, False]
    x = torch.randn(2, 4)
    assert units[1][0].skip(x, None) is x
    assert torch.equal(units[1][0].run(x, None), run_all([net[2], net[3]], x, None))


def test_a_declared_shortcut_excludes_others() -> None:
    net = nn.Sequential(nn.Linear(4, 4), Block(4, 4))
    assert blocks_that_keep_shape(net, torch.zeros(2, 4)) == [0, 1]
    assert [unit.shortcut is not None for (unit,) in units_of(net, kept=[0, 1])] == [False, True]


def test_ids_are_no_values_that_could_be_handed_on() -> None:
    net = nn.Sequential(nn.Embedding(7, 4), nn.Linear(4, 4))
    net.channel_dim = -1
    ids = torch.zeros(2, 3, dtype=torch.long)
    assert blocks_that_keep_shape(net, ids) == [1]
    assert blocks_that_keep_shape(net, Masked(ids, torch.ones(2, 3, dtype=torch.bool))) == [1]
    assert blocks_that_keep_shape(nn.Identity(), torch.zeros(2, 4)) == []
