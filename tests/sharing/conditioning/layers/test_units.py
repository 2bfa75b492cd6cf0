"""What one task adds to one layer."""

import pytest
import torch
from torch import nn

from plait.sharing.conditioning.layers.units import Affine, Mask, ResidualMap, Tap, Update


@pytest.mark.parametrize("trailing", [True, False])
@pytest.mark.parametrize("unit", [lambda t: Affine((3,), t), lambda t: ResidualMap(3, t, 2)])
def test_the_start_is_no_change(unit, trailing: bool) -> None:  # type: ignore[no-untyped-def]
    x = torch.randn(2, 5, 3) if trailing else torch.randn(2, 3, 5)
    assert torch.equal(unit(trailing)(x), x)


def test_a_mask_keeps_one_channel_at_least() -> None:
    for channels, keep, number in ((10, 0.3, 3), (4, 0.01, 1), (3, 1.0, 3)):
        assert Mask(channels, True, keep).mask.sum() == number


def test_an_update_is_what_its_matrix_says() -> None:
    for update in (Update(3, 4, 2, scale=0.5), Update(3, 4, None)):
        for parameter in update.parameters():
            nn.init.normal_(parameter)
        hidden = torch.randn(5, 4)
        torch.testing.assert_close(update(hidden), hidden @ update.matrix().T)
    blocks = Update(3, 4, 2, blocks=3)
    assert blocks.matrix().shape == (9, 4)
    assert not blocks.matrix().any()
    assert blocks.down.abs().max() <= 1 / 2  # 1 / sqrt(columns)


@pytest.mark.parametrize("kernel", [(3,), (3, 5), (2, 2)])
def test_a_tap_is_at_the_centre_of_the_kernel(kernel: tuple[int, ...]) -> None:
    tap = Tap(2, 3, None)
    nn.init.ones_(tap.get_parameter("full"))
    change = tap.change(torch.zeros(2, 3, *kernel))
    centre = tuple((size - 1) // 2 for size in kernel)
    assert change.sum() == 6
    assert change[(slice(None), slice(None), *centre)].eq(1).all()
