"""One map of positions, for images and labels alike."""

import math

import pytest
import torch

from plait.data.augment.view import View

SIZE = torch.tensor([4.0, 3.0], dtype=torch.float64)  # width, height
STILL = torch.eye(2, dtype=torch.float64)


def view(matrix: torch.Tensor = STILL, shift: tuple[float, float] = (0, 0)) -> View:
    return View(matrix, centre=SIZE / 2 + torch.tensor(shift, dtype=torch.float64), size=SIZE)


def test_the_view_of_everything_shows_everything() -> None:
    whole = view()
    assert whole.grid == (3, 4)
    assert whole.outside is None
    classes, values = torch.arange(12).view(3, 4), torch.randn(2, 3, 4)
    assert torch.equal(whole.nearest(classes, outside=-1), classes)
    assert torch.equal(whole.bilinear(values, outside=0.0), values)


def test_a_view_moved_by_a_pixel_shows_the_next_one_and_fills_the_rest() -> None:
    moved = view(shift=(1, 0))
    classes = torch.arange(12).view(3, 4)
    shown = moved.nearest(classes, outside=-1)
    assert torch.equal(shown[:, :3], classes[:, 1:])
    assert (shown[:, 3] == -1).all()
    assert moved.moved(torch.tensor([2.5, 1.5]).double()).tolist() == pytest.approx([1.5, 1.5])


def test_half_a_pixel_is_the_mean_of_two() -> None:
    values = torch.arange(4.0).expand(1, 3, 4)
    shown = view(shift=(0.5, 0)).bilinear(values, outside=0.0)
    assert shown[0, 0, :3].tolist() == [0.5, 1.5, 2.5]


@pytest.mark.parametrize("degrees", [10, 45, 90])
def test_positions_and_pixels_move_alike(degrees: float) -> None:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turned = view(torch.tensor([[cos, -sin], [sin, cos]], dtype=torch.float64))
    came_from = torch.stack([turned.x, turned.y], -1)
    columns, rows = torch.meshgrid(torch.arange(4) + 0.5, torch.arange(3) + 0.5, indexing="xy")
    expected = torch.stack([columns, rows], -1).double()
    torch.testing.assert_close(turned.moved(came_from), expected)
