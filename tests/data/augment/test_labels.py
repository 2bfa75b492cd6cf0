"""Which labels move, by the geometry of their task."""

from typing import get_args

import pytest
import torch

from plait.core.geometry import Geometry
from plait.data.augment.labels import Place, move
from plait.data.augment.view import View

SIZE = torch.tensor([4.0, 4.0], dtype=torch.float64)
MIRROR = View(torch.diag(torch.tensor([-1.0, 1.0]).double()), centre=SIZE / 2, size=SIZE)
LABELS = {
    "mask": torch.arange(16).view(4, 4),
    "map": torch.arange(16.0).view(1, 4, 4),
    "point": torch.tensor([0.0, 1.0]),
    "box": torch.tensor([0.0, 0.0, 0.25, 0.5]),
}
MIRRORED = {
    "mask": LABELS["mask"].flip(-1),
    "map": LABELS["map"].flip(-1),
    "point": torch.tensor([3.0, 1.0]),
    "box": torch.tensor([0.75, 0.0, 1.0, 0.5]),
}


def moved(label: torch.Tensor, geometry: Geometry, view: View = MIRROR) -> torch.Tensor:
    return move(view, label, Place("y", geometry, -1), min_visible=0.2)


@pytest.mark.parametrize("geometry", get_args(Geometry))
def test_what_lies_on_the_image_moves_with_it_and_nothing_else(geometry: Geometry) -> None:
    label = LABELS.get(geometry, torch.tensor([1.0, 2.0]))
    found = moved(label, geometry)
    if geometry in MIRRORED:
        torch.testing.assert_close(found, MIRRORED[geometry])
    else:
        assert found is label


def test_outside_of_the_image_a_mask_has_the_missing_label_of_its_task() -> None:
    beside = View(torch.eye(2).double(), centre=SIZE / 2 + 2, size=SIZE)
    shown = moved(LABELS["mask"], "mask", beside)
    assert torch.equal(shown[:2, :2], LABELS["mask"][2:, 2:])
    assert (shown[2:] == -1).all()
    assert moved(LABELS["map"], "map", beside)[0, 2:].isnan().all()
    assert moved(LABELS["point"], "point", beside).isnan().all()
    assert moved(LABELS["box"], "box", beside).isnan().all()
