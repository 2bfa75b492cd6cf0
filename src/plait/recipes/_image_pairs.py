"""The base of recipes on two images laid over each other: which is the one, which the other?"""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from plait.core.arguments import checked
from plait.core.options import AtLeast
from plait.data import InMemory
from plait.data.images import MEAN, STD, pixels
from plait.data.shown import Picture, Shown
from plait.encoders import ConvEncoder, LeNet
from plait.recipes._image_arrays import CLASSES, read_images
from plait.recipes._overlaid import Overlaid, overlaid
from plait.recipes.base import Recipe
from plait.tasks import BaseTask, Classification

CELLS = 3  # of the last map, which has 3 x 3: where something is tells the two images apart
Network = Literal["blocks", "lenet"]


class ImagePairs(Recipe, ABC):
    """Two images of 28 x 28 pixels on one canvas, with a task for each.

    Args:
        data: the folder with the archive, or with the four files of the original distribution.
        pairs: for training, at most; one of each training image by default.
        network: "blocks", or "lenet", a smaller one, as published.
        seed: of which images come together.

    Attributes:
        archives: the names that the archive may have.
        names: of the classes.
    """

    needs_data = True
    archives: ClassVar[tuple[str, ...]]
    names: ClassVar[tuple[str, ...]]
    defaults: ClassVar[Mapping[str, Any]] = {
        "epochs": 10,
        "batch_size": 128,
        "optimizer": {"class": "AdamW", "lr": 4e-3, "weight_decay": 1e-3},
        "scheduler": {"class": "OneCycleLR", "max_lr": 4e-3},
        "measure_every": 100,
    }

    @checked
    def __init__(
        self,
        *,
        data: Path | str,
        pairs: Annotated[int, AtLeast(2)] | None = None,
        network: Network = "blocks",
        seed: Annotated[int, AtLeast(0)] = 0,
    ) -> None:
        self.data = data
        self.pairs = pairs
        self.network: Network = network
        self.seed = seed

    def tasks(self) -> list[BaseTask]:
        """Makes the two tasks."""
        head = {"hidden": (50,)} if self.network == "lenet" else {"cells": CELLS, "hidden": (64,)}
        return [
            Classification(name, classes=CLASSES, names=self.names, **head)
            for name in ("top_left", "bottom_right")
        ]

    def encoder(self) -> nn.Module:
        """Makes three convolution blocks of 16 to 64 channels, with batch normalisation; or LeNet.

        The heads of LeNet have 50 units, as with the authors.
        """
        if self.network == "lenet":
            return LeNet()
        return ConvEncoder(in_channels=1, widths=(16, 32, 64), norm=True)

    def splits(self) -> Mapping[str, Dataset[Any]]:
        """Makes the pairs of all three splits, normalised: images `[N, 1, 28, 28]`."""
        found = overlaid(read_images(self.data, self.archives), most=self.pairs, seed=self.seed)
        return {split: _data_set(pairs) for split, pairs in found.items()}

    def show(self, inputs: Tensor) -> list[Shown]:
        """Turns a normalised pair back into a grey picture."""
        return [Picture(pixels(inputs))]


def _data_set(pairs: Overlaid) -> InMemory:
    images = torch.from_numpy(pairs.images).unsqueeze(1).float().div_(255)
    return InMemory(
        images.sub_(MEAN).div_(STD),
        {
            "top_left": torch.from_numpy(pairs.first),
            "bottom_right": torch.from_numpy(pairs.second),
        },
    )
