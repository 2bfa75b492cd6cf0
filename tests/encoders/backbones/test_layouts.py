import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.core.errors import ShapeError
from plait.encoders.backbones.layouts import (
    ChannelsFirst,
    ChannelsLast,
    OnGrid,
    Renormalise,
    grid_for,
    on_grid,
)


def test_images_are_brought_into_the_normalisation_of_a_backbone() -> None:
    pixels = torch.rand(2, 3, 4, 5)
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    wanted = (pixels.numpy() - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
    found = Renormalise(mean, std)((pixels - 0.5) / 0.25)
    torch.testing.assert_close(found, torch.from_numpy(wanted).float(), atol=1e-5, rtol=1e-5)


def test_one_number_serves_all_channels_and_the_own_normalisation_changes_nothing() -> None:
    images = torch.randn(2, 7, 4, 5)
    assert torch.equal(Renormalise([0.5], [0.25])(images), images)
    assert not Renormalise([0.5], [0.25]).state_dict()


def test_maps_with_their_channels_last() -> None:
    maps = torch.randn(2, 3, 4, 5)
    last = ChannelsLast()(maps)
    assert last.shape == (2, 4, 5, 3) and last[1, 2, 3, 0] == maps[1, 0, 2, 3]
    assert torch.equal(ChannelsFirst()(last), maps)


def test_tokens_are_laid_row_by_row() -> None:
    tokens = torch.arange(2 * 12 * 5.0).reshape(2, 12, 5)
    maps = on_grid(tokens, 0.75)
    assert maps.shape == (2, 5, 3, 4)
    for place in range(12):
        assert torch.equal(maps[:, :, place // 4, place % 4], tokens[:, place])
    assert torch.equal(OnGrid(0.75)(tokens), maps)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 32))
def test_the_grid_of_a_picture_cut_into_patches(rows: int, columns: int, patch: int) -> None:
    shape = (rows * patch) / (columns * patch)
    assert grid_for(rows * columns, shape) == (rows, columns)


def test_tokens_that_fill_no_grid_are_refused() -> None:
    with pytest.raises(ShapeError, match="must fill a grid; found 197 of them"):
        grid_for(197, 1.0)
