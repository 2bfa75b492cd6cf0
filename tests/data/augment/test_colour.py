import pytest
import torch

from plait.core.errors import DataError
from plait.data.augment.colour import recolour

IMAGE = torch.tensor([[[0.2, 0.4]], [[0.4, 0.4]], [[0.6, 0.4]]])  # [3, 1, 2]


def test_factors_of_one_change_nothing() -> None:
    torch.testing.assert_close(recolour(IMAGE, brightness=1, contrast=1, saturation=1), IMAGE)


def test_each_factor_by_hand() -> None:
    def changed(**factor: float) -> torch.Tensor:
        return recolour(IMAGE, **{"brightness": 1, "contrast": 1, "saturation": 1, **factor})

    torch.testing.assert_close(changed(brightness=0.5), IMAGE / 2)
    grey = torch.tensor([0.299 * 0.2 + 0.587 * 0.4 + 0.114 * 0.6, 0.4])
    torch.testing.assert_close(changed(saturation=0)[0, 0], grey)
    torch.testing.assert_close(changed(contrast=0), grey.mean().expand_as(IMAGE))


def test_values_are_clamped_once_at_the_end() -> None:
    """Twice as bright, then half of the contrast: clamped in between, it would be darker."""
    image = torch.tensor([[[0.4, 0.8]]])
    found = recolour(image, brightness=2, contrast=0.5, saturation=1)
    torch.testing.assert_close(found, torch.tensor([[[1.0, 1.0]]]))
    found = recolour(image, brightness=2, contrast=0, saturation=1)
    torch.testing.assert_close(found, torch.tensor([[[1.0, 1.0]]]))


@pytest.mark.parametrize("value", [-0.1, 1.1, torch.nan])
def test_values_outside_their_range_are_refused(value: float) -> None:
    with pytest.raises(DataError, match="Augment first, normalise afterwards"):
        recolour(torch.full((3, 2, 2), value), brightness=1, contrast=1, saturation=1)
