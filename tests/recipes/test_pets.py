"""The pets recipe: three breeds, augmented in training only, and a model that learns from them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from plait.data import Draw
from plait.experiments import build_job, validate, with_defaults
from plait.recipes import Pets
from plait.recipes._pet_folders import PETS3_CLASSES, pets3
from plait.tasks import Classification, Regression, Segmentation
from tests.recipes.pet_folders import write_pets3
from tests.recipes.stepping import learns_from, two_photos


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pets3(tmp_path_factory.mktemp("pets3"))


@pytest.fixture(scope="module")
def recipe(folder: Path) -> Pets:
    return Pets(data=folder)


def test_tasks_and_names(recipe: Pets) -> None:
    tasks = {task.name: task for task in recipe.tasks()}
    kinds = {"breed": Classification, "mask": Segmentation, "head": Regression}
    assert {name: type(task) for name, task in tasks.items()} == kinds
    breed, mask, head = tasks.values()
    assert breed.names == list(PETS3_CLASSES)
    assert mask.names == ["pet", "background", "border"]
    assert mask.names[mask.background] == "background"
    assert [task.geometry for task in (breed, mask, head)] == ["class", "mask", "box"]


def test_the_trunk_has_the_classical_number_of_parameters(recipe: Pets) -> None:
    blocks = [(3, 64), (64, 128), (128, 256)]
    expected = sum((9 * before + 1) * after for before, after in blocks)
    assert sum(p.numel() for p in recipe.encoder().parameters()) == expected


def test_validation_and_test_are_the_photos_normalised(recipe: Pets, folder: Path) -> None:
    photos, splits = pets3(folder), recipe.splits()
    assert {split: len(data) for split, data in splits.items()} == {"train": 9, "val": 3, "test": 9}
    for split in ("val", "test"):
        image, targets = splits[split][1]
        plain, labels = photos[split][1]
        torch.testing.assert_close(image, (plain - 0.5) / 0.25)
        assert torch.equal(targets["mask"], labels["mask"])
        assert torch.equal(targets["breed"], labels["breed"])


def test_photos_masks_and_nothing_else_are_of_the_size(folder: Path) -> None:
    whole, small = (Pets(data=folder, size=size).splits()["val"] for size in (224, 32))
    for index in range(3):
        image, targets = small[index]
        assert image.shape == (3, 32, 32)
        assert targets["mask"].shape == (32, 32)
        assert torch.equal(targets["breed"], whole[index][1]["breed"])
        torch.testing.assert_close(targets["head"], whole[index][1]["head"], equal_nan=True)


def test_training_photos_are_seen_anew_in_each_epoch(recipe: Pets) -> None:
    train = recipe.splits()["train"]
    views = [train[Draw(2, epoch)] for epoch in range(3)]
    assert not torch.equal(views[0][0], views[1][0])
    assert not torch.equal(views[1][1]["mask"], views[2][1]["mask"])
    for epoch, (image, targets) in enumerate(views):
        again, labels = train[Draw(2, epoch)]
        assert torch.equal(again, image)
        assert torch.equal(labels["mask"], targets["mask"])


def test_augmentation_can_be_switched_off(folder: Path) -> None:
    train = Pets(data=folder, augment=False).splits()["train"]
    torch.testing.assert_close(train[0][0], (pets3(folder)["train"][0][0] - 0.5) / 0.25)


def test_the_picture_is_the_photo(recipe: Pets, folder: Path) -> None:
    image, _ = recipe.splits()["test"][0]
    photo = pets3(folder)["test"][0][0]
    (picture,) = recipe.show(image)
    assert np.array_equal(picture.pixels, (photo * 255).round().byte().permute(1, 2, 0).numpy())


def test_the_model_learns_from_two_photos(folder: Path) -> None:
    recipe = Pets(data=folder, augment=False)
    outputs = learns_from(recipe, two_photos(recipe))
    shapes = {task: list(prediction.shape) for task, prediction in outputs.items()}
    assert shapes == {"breed": [2, 3], "mask": [2, 3, 224, 224], "head": [2, 4]}


def test_defaults_can_be_built(folder: Path) -> None:
    """Every method and option that they name is there, and they fit together."""
    settings = with_defaults({"recipe": "pets", "data": str(folder)})
    trainer = build_job(validate(settings), Path("unused")).trainer
    assert trainer.options.epochs == Pets.defaults["epochs"]
    assert trainer.options.clip == Pets.defaults["clip"]
    assert Pets.defaults["optimizer"]["lr"] == Pets.defaults["scheduler"]["max_lr"]
