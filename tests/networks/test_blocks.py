"""Stages in blocks."""

import torch
from torch import nn

from plait.encoders import as_staged
from plait.networks import block_shapes, blocks_of, encode, infer_shape, run_all
from tests.sharing.encoders import KINDS


def test_blocks_compose_to_the_encoder() -> None:
    for kind in KINDS.values():
        encoder, hidden = kind.build().eval(), kind.inputs(3)
        expected = encode(encoder, hidden).levels[-1]
        for block in blocks_of(encoder):
            hidden = run_all(block, hidden, None)
        assert torch.equal(hidden, expected)


def test_a_block_ends_before_the_next_stage_with_parameters() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.Tanh(), nn.Dropout(), nn.Linear(3, 2))
    assert [len(block) for block in blocks_of(net)] == [4, 1]
    assert [len(block) for block in blocks_of(as_staged(net, cuts=[2]))] == [1, 1]
    assert [len(block) for block in blocks_of(nn.Linear(4, 3))] == [1]


def test_their_shapes_are_those_of_their_last_stages() -> None:
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 4, 1))
    images = torch.zeros(2, 2, 6, 8)
    assert block_shapes(net, images).levels == ((3, 2, 3), (4, 2, 3))
    assert block_shapes(net, images).levels[0] == infer_shape(net, images).levels[2]


def test_the_mask_goes_to_what_declares_that_it_reads_it() -> None:
    class Reads(nn.Module):
        masked = True

        def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return x * mask

    ones, mask = torch.ones(1, 3), torch.tensor([[True, False, True]])
    found = run_all([nn.Identity(), Reads()], ones, mask)
    assert found.tolist() == [[1.0, 0.0, 1.0]]
