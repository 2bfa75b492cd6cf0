"""The digits recipe: the scenes as tensors, three tasks, and a model that learns from them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from plait.core.errors import ConfigError
from plait.experiments import build_job, validate, with_defaults
from plait.recipes import Digits
from plait.recipes._digit_scenes import make_scenes
from plait.tasks import Classification, Regression, Segmentation
from tests.recipes.stepping import learns_from


def test_tasks_are_of_three_kinds_and_new_at_each_call() -> None:
    recipe = Digits(scenes=1, size=40)
    tasks = {task.name: task for task in recipe.tasks()}
    kinds = {"digit": Classification, "mask": Segmentation, "centre": Regression}
    assert {name: type(task) for name, task in tasks.items()} == kinds
    assert [task.geometry for task in tasks.values()] == ["class", "mask", "point"]
    assert all(new is not old for new, old in zip(recipe.tasks(), tasks.values(), strict=True))
    centre = tasks["centre"]
    assert isinstance(centre, Regression)
    assert (centre.mean, centre.scale) == (19.5, 10)  # the middle pixel, a quarter of the side


@pytest.mark.parametrize(("scenes", "sizes"), [(8, (8, 64, 64)), (640, (640, 80, 160))])
def test_splits_have_their_sizes(scenes: int, sizes: tuple[int, ...]) -> None:
    splits = Digits(scenes=scenes, size=32).splits()
    assert tuple(splits) == ("train", "val", "test")
    assert tuple(len(data) for data in splits.values()) == sizes


def test_examples_are_the_scenes_and_the_picture_is_the_scene() -> None:
    recipe = Digits(scenes=5, size=36, seed=3)
    splits = recipe.splits()
    for split in splits:
        scenes = make_scenes(split, 5, size=36, seed=3)
        for index in range(5):
            image, targets = splits[split][index]
            grey = scenes.images[index]
            assert image.shape == (1, 36, 36)
            np.testing.assert_allclose(image[0], (grey / 255 - 0.5) / 0.25, atol=1e-6)
            assert int(targets["digit"]) == scenes.digit[index]
            assert np.array_equal(targets["mask"], scenes.mask[index])
            assert targets["centre"].tolist() == scenes.centre[index].tolist()
            (picture,) = recipe.show(image)
            assert np.array_equal(picture.pixels, np.repeat(grey[:, :, None], 3, axis=2))


def test_the_model_learns_from_a_batch() -> None:
    recipe = Digits(scenes=4, size=32)
    data = recipe.splits()["train"]
    outputs = learns_from(recipe, [data[index] for index in range(4)])
    shapes = {task: list(prediction.shape) for task, prediction in outputs.items()}
    assert shapes == {"digit": [4, 10], "mask": [4, 2, 32, 32], "centre": [4, 2]}


def test_defaults_can_be_built() -> None:
    """Every method and option that they name is there, and they fit together."""
    settings = with_defaults({"recipe": {"class": "digits", "scenes": 1, "size": 32}})
    trainer = build_job(validate(settings), Path("unused")).trainer
    assert trainer.options.epochs == Digits.defaults["epochs"]
    assert type(trainer.balancer).__name__ == Digits.defaults["balancing"]["class"]
    assert Digits.defaults["optimizer"]["lr"] == Digits.defaults["scheduler"]["max_lr"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scenes": 0}, "`scenes` must be at least 1"),
        ({"scenes": "many"}, "whole number"),
        ({"scenes": 10.5}, "whole number"),
        ({"size": 31}, "`size` must be in 32..128 .* The default is 48"),
        ({"seed": -1}, "negative"),
    ],
)
def test_arguments_out_of_range_are_refused_at_once(options: dict[str, int], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Digits(**options)


def test_building_it_draws_nothing_from_the_global_generator() -> None:
    before = torch.get_rng_state()
    Digits(scenes=2, size=32).splits()
    assert torch.equal(torch.get_rng_state(), before)
