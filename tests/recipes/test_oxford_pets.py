"""The Oxford-IIIT Pet recipe on a folder of two breeds."""

from pathlib import Path

import numpy as np
import pytest
import torch

from plait.core.errors import ConfigError, DataError
from plait.recipes import OxfordPets, Pets
from plait.recipes._pet_folders import oxford_pets
from tests.recipes.pet_folders import BREEDS, write_official
from tests.recipes.stepping import learns_from, two_photos


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_official(tmp_path_factory.mktemp("oxford"))


def test_breeds_are_read_from_the_folder(folder: Path) -> None:
    recipe = OxfordPets(data=folder, size=32)
    assert recipe.tasks()[0].names == list(BREEDS.values())
    assert [task.name for task in recipe.tasks()] == ["breed", "mask", "head"]
    splits = recipe.splits()
    assert {split: len(data) for split, data in splits.items()} == {"train": 6, "val": 2, "test": 4}


def test_without_any_head_box_there_is_no_head_task(tmp_path: Path) -> None:
    folder = write_official(tmp_path)
    (folder / "annotations/xmls/Abyssinian_0.xml").unlink()
    assert [task.name for task in OxfordPets(data=folder, size=16).tasks()] == ["breed", "mask"]


def test_examples_and_pictures_have_the_size_asked_for(folder: Path) -> None:
    recipe = OxfordPets(data=folder, size=24, augment=False)
    image, targets = recipe.splits()["train"][1]
    photo, labels = oxford_pets(folder, size=24)["train"][1]
    torch.testing.assert_close(image, (photo - 0.5) / 0.25)
    assert torch.equal(targets["mask"], labels["mask"])
    assert targets["mask"].shape == (24, 24)
    (picture,) = recipe.show(image)
    assert np.array_equal(picture.pixels, (photo * 255).round().byte().permute(1, 2, 0).numpy())


def test_the_model_learns(folder: Path) -> None:
    recipe = OxfordPets(data=folder, size=16, augment=False)
    outputs = learns_from(recipe, two_photos(recipe))
    assert outputs["breed"].shape[1:] == (2,)
    assert outputs["mask"].shape[1:] == (3, 16, 16)
    assert outputs["head"].shape[1:] == (4,)


def test_it_shares_trunk_and_defaults_with_the_three_breeds(folder: Path) -> None:
    assert OxfordPets.defaults == Pets.defaults
    trunk = OxfordPets(data=folder, size=16).encoder()
    assert [list(p.shape) for p in trunk.parameters() if p.dim() == 4] == [
        [64, 3, 3, 3],
        [128, 64, 3, 3],
        [256, 128, 3, 3],
    ]


@pytest.mark.parametrize("size", [0, -3, 2.5, "large"])
def test_a_size_out_of_range_is_refused(folder: Path, size: int) -> None:
    with pytest.raises(ConfigError, match="`size` must be a whole number of at least 1"):
        OxfordPets(data=folder, size=size)


def test_a_folder_in_the_other_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="annotations/trimaps"):
        OxfordPets(data=tmp_path)
