"""Handwritten digits one by one, as one data set of several."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from plait.data import InMemory
from plait.data.images import normalised, pixels
from plait.data.shown import Picture, Shown
from plait.encoders import ConvEncoder
from plait.recipes._image_arrays import CLASSES, Labelled, read_images
from plait.recipes.base import Recipe
from plait.tasks import BaseTask, Classification

ARCHIVES = ("mnist.npz",)
HELD_OUT = 1000  # training images for validation, at most: the last ones


class WrittenDigits(Recipe):
    """Images of MNIST: which digit is it?

    Args:
        data: the folder, as `MultiMnist` reads it.
        images: for training, at most: the first ones.
        width: channels of the encoder's last block.
    """

    def __init__(self, data: Path | str, *, images: int, width: int) -> None:
        self.data = data
        self.images = images
        self.width = width

    def tasks(self) -> list[BaseTask]:
        """Makes the only task."""
        return [Classification("digit", classes=CLASSES, names=list("0123456789"))]

    def encoder(self) -> nn.Module:
        """Makes three convolution blocks with batch normalisation."""
        return ConvEncoder(in_channels=1, widths=(32, 64, self.width), norm=True)

    def splits(self) -> Mapping[str, Dataset[Any]]:
        """Gives images `[N, 1, 28, 28]`, normalised."""
        found = read_images(self.data, ARCHIVES)
        train = found["train"]
        held = min(HELD_OUT, len(train.labels) // 2)
        first = min(self.images, len(train.labels) - held)
        parts = {
            "train": Labelled(*(each[:first] for each in train)),
            "val": Labelled(*(each[-held:] for each in train)),
            "test": found["test"],
        }
        return {split: _data_set(part) for split, part in parts.items()}

    def show(self, inputs: Tensor) -> list[Shown]:
        """Turns a normalised image back into a grey picture."""
        return [Picture(pixels(inputs))]


def _data_set(part: Labelled) -> InMemory:
    images = torch.from_numpy(part.images).unsqueeze(1).float() / 255
    return InMemory(normalised(images), {"digit": torch.from_numpy(part.labels)})
