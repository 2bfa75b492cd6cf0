"""Digits in clutter: classification, segmentation and regression on one image, with no download."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from plait.data import InMemory
from plait.data.images import MEAN, STD, pixels
from plait.data.shown import Picture, Shown
from plait.encoders import ConvEncoder
from plait.recipes._digit_scenes import Scenes, check_scenes, make_scenes
from plait.recipes.base import Recipe
from plait.tasks import BaseTask, Classification, Regression, Segmentation


class Digits(Recipe):
    """One handwritten digit, scaled, rotated and placed over clutter: which, what outline, where?

    Three tasks of three kinds: `digit` (10 classes), `mask` (ink or not, for each pixel) and
    `centre` (x and y of the ink's centre of mass, in pixels). The 1,797 real digits of 8 x 8 pixels
    come with scikit-learn; they are split by digit image, so no digit of the test scenes was seen
    in training.

    Args:
        scenes: training scenes, at least 1; 4000 by default. Validation gets an eighth of the
            number, test a quarter, both at least 64.
        size: side of a scene in pixels, 32..128; 48 by default.
        seed: of the scenes, not negative.

    Raises:
        ConfigError: an argument is outside its range.

    Reference (digits): Alpaydin, Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine
        Learning Repository, 1998.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        "epochs": 8,
        "batch_size": 64,
        "optimizer": {"class": "AdamW", "lr": 8e-3, "weight_decay": 1e-4},
        "scheduler": {"class": "OneCycleLR", "max_lr": 8e-3},
        "balancing": {"class": "UncertaintyWeights"},
        "measure_every": 25,
    }

    def __init__(self, *, scenes: int = 4000, size: int = 48, seed: int = 0) -> None:
        check_scenes("train", scenes, size, seed, counted="scenes", usual=48)
        self.scenes = scenes
        self.size = size
        self.seed = seed

    def tasks(self) -> list[BaseTask]:
        """Makes the three tasks; the centre's errors count in quarters of the scene's side."""
        middle, unit = (self.size - 1) / 2, self.size / 4
        return [
            Classification("digit", classes=10, pooling="max"),
            Segmentation("mask", classes=2, width=16),
            Regression(
                "centre",
                outputs=2,
                vector=True,
                geometry="point",
                mean=middle,
                scale=unit,
                cells=4,
                hidden=(64,),
            ),
        ]

    def encoder(self) -> nn.Module:
        """Makes four convolution blocks of 16 to 96 channels, with batch normalisation."""
        return ConvEncoder(in_channels=1, widths=(16, 32, 64, 96), norm=True)

    def splits(self) -> Mapping[str, Dataset[Any]]:
        """Draws the scenes of all three splits, normalised: images `[N, 1, size, size]`."""
        sizes = {
            "train": self.scenes,
            "val": max(self.scenes // 8, 64),
            "test": max(self.scenes // 4, 64),
        }
        return {
            split: _data_set(make_scenes(split, count, size=self.size, seed=self.seed))
            for split, count in sizes.items()
        }

    def show(self, inputs: Tensor) -> list[Shown]:
        """Turns a normalised scene back into a grey picture."""
        return [Picture(pixels(inputs))]


def _data_set(scenes: Scenes) -> InMemory:
    images = torch.from_numpy(scenes.images).unsqueeze(1).float() / 255.0
    return InMemory(
        (images - MEAN) / STD,
        {
            "digit": torch.from_numpy(scenes.digit),
            "mask": torch.from_numpy(scenes.mask),
            "centre": torch.from_numpy(scenes.centre),
        },
    )
