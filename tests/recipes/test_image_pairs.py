"""What holds for both recipes on pairs of images: examples, tasks, a model that learns."""

from pathlib import Path

import numpy as np
import pytest
import torch

from plait.core.errors import ConfigError
from plait.core.features import FeatureShape
from plait.experiments import run, validate, with_defaults
from plait.recipes import MultiFashion, MultiMnist
from plait.recipes._image_arrays import read_images
from plait.recipes._image_pairs import ImagePairs
from plait.recipes._overlaid import overlaid
from tests.recipes.image_folders import archive
from tests.recipes.stepping import learns_from

RECIPES: list[type[ImagePairs]] = [MultiMnist, MultiFashion]


def folder_of(cls: type[ImagePairs], folder: Path) -> Path:
    return archive(folder, cls.archives[-1])


@pytest.mark.parametrize("cls", RECIPES)
def test_examples_are_the_pairs_and_the_picture_is_the_pair(
    cls: type[ImagePairs], tmp_path: Path
) -> None:
    recipe = cls(data=folder_of(cls, tmp_path), seed=3)
    splits = recipe.splits()
    pairs = overlaid(read_images(tmp_path, cls.archives), most=None, seed=3)
    assert [len(data) for data in splits.values()] == [20, 4, 6]  # type: ignore[arg-type]
    for split, wanted in pairs.items():
        for index in range(len(wanted.first)):
            image, targets = splits[split][index]
            grey = wanted.images[index]
            np.testing.assert_allclose(image[0], (grey / 255 - 0.5) / 0.25, atol=1e-6)
            assert int(targets["top_left"]) == wanted.first[index]
            assert int(targets["bottom_right"]) == wanted.second[index]
            (picture,) = recipe.show(image)
            assert np.array_equal(picture.pixels, np.repeat(grey[:, :, None], 3, axis=2))


@pytest.mark.parametrize("cls", RECIPES)
def test_the_model_learns_from_a_batch(cls: type[ImagePairs], tmp_path: Path) -> None:
    recipe = cls(data=folder_of(cls, tmp_path))
    data = recipe.splits()["train"]
    outputs = learns_from(recipe, [data[index] for index in range(8)])
    shapes = {task: list(prediction.shape) for task, prediction in outputs.items()}
    assert shapes == {"top_left": [8, 10], "bottom_right": [8, 10]}


@pytest.mark.parametrize("name", ["multi-mnist", "multi-fashion"])
def test_a_run_with_the_defaults(name: str, tmp_path: Path) -> None:
    cls = {"multi-mnist": MultiMnist, "multi-fashion": MultiFashion}[name]
    folder = folder_of(cls, tmp_path)
    settings = {"recipe": {"class": name, "pairs": 10}, "data": str(folder), "epochs": 1}
    result = run(validate(with_defaults(settings)), tmp_path / "run")
    assert result.test.metrics.keys() == {"top_left", "bottom_right"}


def test_options_out_of_range_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"`pairs` of MultiMnist must be .* of at least 2"):
        MultiMnist(data=tmp_path, pairs=1)
    with pytest.raises(ConfigError, match=r"`seed` of MultiMnist must be .* of at least 0"):
        MultiMnist(data=tmp_path, seed=-1)


def test_the_places_of_both_images_can_be_told_from_the_last_map() -> None:
    recipe = MultiMnist(data="none")
    maps = recipe.encoder()(torch.zeros(2, 1, 28, 28))
    assert {task.cells for task in recipe.tasks()} == {maps.shape[-1]}  # type: ignore[attr-defined]


@pytest.mark.parametrize("cls", RECIPES)
def test_le_net_is_the_published_network(cls: type[ImagePairs], tmp_path: Path) -> None:
    """21,330 parameters are shared; a head has 50 x 50 + 50 and 50 x 10 + 10."""
    recipe = cls(data=folder_of(cls, tmp_path), network="lenet")
    data = recipe.splits()["train"]
    outputs = learns_from(recipe, [data[index] for index in range(8)])
    assert list(outputs["top_left"].shape) == [8, 10]
    head = recipe.tasks()[0].build_head(FeatureShape(((10, 12, 12), (20, 4, 4), (50,))))
    assert sum(p.numel() for p in recipe.encoder().parameters()) == 21_330
    assert sum(p.numel() for p in head.parameters()) == 3060
    with pytest.raises(ConfigError, match="network"):
        cls(data=tmp_path, network="le-net")  # type: ignore[arg-type]
