"""Scales and shifts."""

import pytest
import torch
from torch import Tensor, nn

from plait.sharing.conditioning import Film
from tests.sharing.conditioning.trunks import TASKS, Conditioned


@pytest.mark.parametrize(
    ("base", "x", "shape"),
    [
        (nn.Linear(4, 3), torch.randn(2, 4), (3,)),
        (nn.Linear(4, 3), torch.randn(2, 5, 4), (3,)),
        (nn.Conv2d(4, 3, 2), torch.randn(2, 4, 5, 5), (3, 1, 1)),
        (nn.BatchNorm1d(3).eval(), torch.randn(2, 3), (3,)),
        (nn.LayerNorm((2, 3)), torch.randn(4, 2, 3), (2, 3)),
    ],
)
def test_each_channel_is_scaled_and_shifted(
    base: nn.Module, x: Tensor, shape: tuple[int, ...]
) -> None:
    made, plain = Conditioned(Film(), base), base(x)
    assert torch.equal(made("a", x), plain)
    made.stir()
    for position, task in enumerate(TASKS):
        unit = made.own(position)
        scale, shift = (unit.get_parameter(name).view(shape) for name in ("scale", "shift"))
        torch.testing.assert_close(made(task, x), (1 + scale) * plain + shift)


def test_norms_come_before_maps() -> None:
    conv, norm = nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3)
    assert Film().choose({"conv": conv, "norm": norm, "act": nn.ReLU()}) == {"norm": norm}
    assert Film().choose({"conv": conv, "act": nn.ReLU()}) == {"conv": conv}
    assert Film().choose({"act": nn.ReLU()}) == {}


def test_a_norm_that_moves_its_channels_is_left_out() -> None:
    class Moved(nn.LayerNorm):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x.movedim(1, -1)).movedim(-1, 1)

    assert Film().choose({"norm": Moved(3)}) == {}
