"""Which layers can be conditioned, and where their channels are."""

import pytest
import torch
from torch import nn

from plait.sharing.conditioning.layers.channels import MAPS, NORMS, channels_of, keeps_its_axes


@pytest.mark.parametrize(
    ("layer", "x"),
    [
        (nn.Linear(2, 3), torch.zeros(4, 5, 2)),
        (nn.Conv1d(2, 3, 1), torch.zeros(4, 2, 5)),
        (nn.Conv3d(2, 3, 1), torch.zeros(4, 2, 5, 5, 5)),
        (nn.BatchNorm2d(3), torch.zeros(4, 3, 5, 5)),
        (nn.GroupNorm(1, 3), torch.zeros(4, 3, 5)),
        (nn.LayerNorm((5, 3)), torch.zeros(4, 5, 3)),
        (nn.RMSNorm(3), torch.zeros(4, 3)),
    ],
)
def test_channels_are_where_it_says(layer: nn.Module, x: torch.Tensor) -> None:
    assert isinstance(layer, (*MAPS, *NORMS))
    shape, trailing = channels_of(layer)
    out = layer(x).shape
    assert shape == (tuple(out[-len(shape) :]) if trailing else (out[1],))
    assert keeps_its_axes(layer)


def test_a_norm_with_a_forward_of_its_own_may_move_them() -> None:
    class Moved(nn.LayerNorm):
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            return super().forward(input)

    assert not keeps_its_axes(Moved(3))
