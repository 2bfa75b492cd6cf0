"""Pets: which breed, which outline, where is the head? Photographs of three breeds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from torch import Tensor, nn
from torch.utils.data import Dataset

from plait.data import Augment, Augmented, Draw, index_of
from plait.encoders import ConvEncoder
from plait.recipes._pet_folders import pets3
from plait.recipes._pet_photos import GEOMETRY, MASK_CLASSES, Photos
from plait.recipes.base import Recipe
from plait.tasks import BaseTask, Classification, Regression, Segmentation


class PetPhotos(Recipe):
    """What the recipes on pet photographs share: tasks, trunk, augmentation and defaults.

    Three tasks: `breed` (classification), `mask` (pet, background or border, for each pixel) and
    `head` (a box, xmin, ymin, xmax, ymax as fractions of width and height; missing for about half
    of the photos). The trunk is the classical one of joint classification and segmentation: three
    blocks of 64, 128 and 256 channels, each a convolution 3x3, ReLU and max pooling 2x2. The
    breed's head is pooled and has hidden layers of 1024 and 512 units; the mask's head predicts for
    every pixel.
    """

    needs_data = True
    defaults: ClassVar[Mapping[str, Any]] = {
        "epochs": 20,
        "batch_size": 8,
        "optimizer": {"class": "AdamW", "lr": 1e-3, "weight_decay": 1e-4},
        "scheduler": {"class": "OneCycleLR", "max_lr": 1e-3},
        "clip": 5.0,
        "log_every": 5,
        "measure_every": 10,
    }
    views: ClassVar[Mapping[str, str]] = {"breed": "label", "mask": "mask", "head": "box"}
    backgrounds: ClassVar[Mapping[str, int]] = {"mask": 1}

    def __init__(self, photos: Mapping[str, Photos], *, augment: bool) -> None:
        self.photos = photos
        self.augment = augment

    @property
    def class_names(self) -> Mapping[str, list[str]]:
        """The breeds, and the three classes of a pixel."""
        return {
            "breed": list(self.photos["train"].classes),
            "mask": list(MASK_CLASSES),
        }

    def tasks(self) -> list[BaseTask]:
        """Returns the three tasks; without `head` if no photo at all has a head box."""
        breed = Classification("breed", classes=len(self.class_names["breed"]), hidden=(1024, 512))
        mask = Segmentation("mask", classes=3)
        if all(pet.head is None for photos in self.photos.values() for pet in photos.pets):
            return [breed, mask]
        head = Regression(
            "head", outputs=4, vector=True, mean=0.4, scale=0.2, cells=4, hidden=(128,)
        )
        return [breed, mask, head]

    def encoder(self) -> nn.Module:
        """Returns the classical trunk."""
        return ConvEncoder(in_channels=3, widths=(64, 128, 256))

    def splits(self) -> Mapping[str, Dataset[Any]]:
        """Returns the photos; those for training are augmented anew in each epoch."""
        train = Augmented(self.photos["train"], Augment(), GEOMETRY) if self.augment else None
        return {
            split: Normalised(train if train is not None and split == "train" else photos)
            for split, photos in self.photos.items()
        }

    def picture(self, inputs: Tensor) -> np.ndarray[Any, Any]:
        """Returns the photo."""
        pixels = ((inputs * 0.25 + 0.5).clamp(0, 1) * 255).round().byte()
        return pixels.permute(1, 2, 0).numpy()


class Normalised(Dataset[tuple[Tensor, dict[str, Tensor]]]):
    """Images moved from [0, 1] to about mean 0 and standard deviation 1: ``(x - 0.5) / 0.25``."""

    def __init__(self, photos: Photos | Augmented) -> None:
        self.photos = photos

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, draw: Draw | int) -> tuple[Tensor, dict[str, Tensor]]:
        photos = self.photos
        found = photos[draw] if isinstance(photos, Augmented) else photos[index_of(draw)]
        image, targets = found
        return (image - 0.5) / 0.25, dict(targets)


class Pets(PetPhotos):
    """Three breeds of the Oxford-IIIT Pet data at 224 x 224 pixels, in one small archive.

    Args:
        data: the folder with `pets3_224.tar` and `labels.csv`.
        augment: flip, crop, scale and colour in training, of image, mask and box together.

    Reference (data): Parkhi, Vedaldi, Zisserman, Jawahar, "Cats and Dogs", CVPR 2012.
    """

    def __init__(self, *, data: Path, augment: bool = True) -> None:
        super().__init__(pets3(data), augment=augment)
