"""Pets: which breed, which outline, where is the head? Photographs of three breeds."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.utils.data import Dataset

from plait.data import Augment, Augmented
from plait.data.images import Normalised, pixels
from plait.data.shown import Picture, Shown
from plait.encoders import ConvEncoder
from plait.recipes._pet_folders import pets3
from plait.recipes._pet_photos import MASK_CLASSES, Photos
from plait.recipes.base import Recipe
from plait.tasks import BaseTask, Classification, Regression, Segmentation


class PetPhotos(Recipe, ABC):
    """The base of recipes on pet photographs: tasks, trunk, augmentation and defaults.

    Three tasks: `breed` (classification), `mask` (pet, background or border, for each pixel) and
    `head` (a box, xmin, ymin, xmax, ymax as fractions of width and height; missing for about half
    of the photos). The trunk is the classical one of joint classification and segmentation: three
    blocks of 64, 128 and 256 channels, each a convolution 3x3, ReLU and max pooling 2x2. The
    breed's head is pooled and has hidden layers of 1024 and 512 units; the mask's head predicts for
    every pixel.

    Args:
        photos: the splits "train", "val" and "test".
        augment: flip, crop, scale and colour in training, of image, mask and box together.
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

    def __init__(self, photos: Mapping[str, Photos], *, augment: bool) -> None:
        self.photos = photos
        self.augment = augment

    def tasks(self) -> list[BaseTask]:
        """Makes the three tasks; `head` only if a photo has a head box."""
        breeds = self.photos["train"].classes
        breed = Classification("breed", classes=len(breeds), names=breeds, hidden=(1024, 512))
        mask = Segmentation("mask", classes=3, names=MASK_CLASSES, background=1)
        if all(pet.head is None for photos in self.photos.values() for pet in photos.pets):
            return [breed, mask]
        head = Regression(
            "head",
            outputs=4,
            vector=True,
            geometry="box",
            mean=0.4,
            scale=0.2,
            cells=4,
            hidden=(128,),
        )
        return [breed, mask, head]

    def encoder(self) -> nn.Module:
        """Makes the classical trunk: 3 blocks of 64, 128 and 256 channels."""
        return ConvEncoder(in_channels=3, widths=(64, 128, 256))

    def splits(self) -> Mapping[str, Dataset[Any]]:
        """Gives the photos, normalised; those for training are augmented anew in each epoch."""
        splits: dict[str, Dataset[Any]] = {
            split: Normalised(photos) for split, photos in self.photos.items()
        }
        if self.augment:
            augmented = Augmented(self.photos["train"], Augment(), self.tasks())
            splits["train"] = Normalised(augmented)
        return splits

    def show(self, inputs: Tensor) -> list[Shown]:
        """Turns a normalised photo back into a picture."""
        return [Picture(pixels(inputs))]


class Pets(PetPhotos):
    """Three breeds of the Oxford-IIIT Pet data at 224 x 224 pixels, in one small archive.

    Args:
        data: the folder with `pets3_224.tar` and `labels.csv`.
        size: side in pixels to which photos and masks are resized; half of 224 takes a quarter of
            the time.
        augment: flip, crop, scale and colour in training, of image, mask and box together.

    Raises:
        DataError: a file is missing or broken, or a label is unknown.

    Licence: Creative Commons Attribution-ShareAlike 4.0; the photographs stay with their owners.

    Reference (data): Parkhi, Vedaldi, Zisserman, Jawahar, "Cats and Dogs", CVPR 2012.
    """

    def __init__(self, *, data: Path, size: int = 224, augment: bool = True) -> None:
        super().__init__(pets3(data, size=size), augment=augment)
