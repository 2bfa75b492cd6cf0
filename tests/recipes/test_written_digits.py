from pathlib import Path

import numpy as np
import torch

from plait.data.shown import Picture
from plait.recipes._written_digits import WrittenDigits
from tests.recipes.image_folders import archive, arrays
from tests.recipes.stepping import learns_from


def test_splits_are_the_images_of_the_files(tmp_path: Path) -> None:
    recipe = WrittenDigits(archive(tmp_path, train=24, test=6), images=10, width=8)
    wanted, splits = arrays(train=24, test=6), recipe.splits()
    places = {"train": ("train", 0, 10), "val": ("train", 12, 24), "test": ("test", 0, 6)}
    for split, (part, start, end) in places.items():
        assert len(splits[split]) == end - start  # type: ignore[arg-type]
        for index in range(end - start):
            image, targets = splits[split][index]
            grey = wanted[f"x_{part}"][start + index]
            np.testing.assert_allclose(image[0], (grey / 255 - 0.5) / 0.25, atol=1e-6)
            assert int(targets["digit"]) == wanted[f"y_{part}"][start + index]
            (shown,) = recipe.show(image)
            assert isinstance(shown, Picture)
            np.testing.assert_array_equal(shown.pixels[..., 0], grey)


def test_no_image_is_in_two_splits_however_many_are_asked_for(tmp_path: Path) -> None:
    splits = WrittenDigits(archive(tmp_path, train=24), images=1000, width=8).splits()
    assert [len(data) for data in splits.values()] == [12, 12, 6]  # type: ignore[arg-type]
    train, val = (torch.stack([splits[s][i][0] for i in range(12)]) for s in ("train", "val"))
    assert not any(torch.equal(one, other) for one in train for other in val)


def test_the_model_learns_from_a_batch(tmp_path: Path) -> None:
    recipe = WrittenDigits(archive(tmp_path), images=10, width=8)
    data = recipe.splits()["train"]
    assert learns_from(recipe, [data[index] for index in range(8)])["digit"].shape == (8, 10)
