"""A recipe that trains in a moment, and relatives of it that break one rule each.

They are named by their path, as a user would: ``tests.experiments.tiny:Tiny``.
"""

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from plait.balancing import Equal
from plait.data import InMemory, Picture
from plait.data.shown import Shown
from plait.encoders import ConvEncoder
from plait.recipes import Recipe
from plait.tasks import BaseTask, Classification, Regression, Segmentation

TINY = "tests.experiments.tiny:Tiny"


QUARTERS = ["north-west", "north-east", "south-west", "south-east"]


class Tiny(Recipe):
    """A bright square in a dark 8 x 8 image: which quarter is it in, which pixels, where?"""

    defaults: ClassVar[Mapping[str, Any]] = {
        "epochs": 2,
        "batch_size": 8,
        "optimizer": {"class": "SGD", "lr": 0.05, "momentum": 0.9},
        "gallery": 2,
        "device": "cpu",
    }

    def __init__(self, *, examples: int = 24, seed: int = 0) -> None:
        self.examples = examples
        self.seed = seed

    def tasks(self) -> list[BaseTask]:
        return [
            Classification("quarter", classes=4, names=QUARTERS),
            Segmentation("mask", classes=2),
            Regression("spot", outputs=2, vector=True, geometry="point", mean=3.5, scale=2.0),
        ]

    def encoder(self) -> nn.Module:
        return ConvEncoder(in_channels=1, widths=(4, 6), norm=True)

    def splits(self) -> Mapping[str, Dataset[Any]]:
        sizes = {"train": self.examples, "val": 12, "test": 16}
        return {split: self.squares(split, size) for split, size in sizes.items()}

    def squares(self, split: str, size: int) -> InMemory:
        digest = hashlib.blake2b(f"{split} {self.seed}".encode(), digest_size=4).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest, "big"))
        corner = torch.randint(0, 6, (size, 2), generator=generator)
        images = 0.1 * torch.randn(size, 1, 8, 8, generator=generator)
        mask = torch.zeros(size, 8, 8, dtype=torch.int64)
        for i, (y, x) in enumerate(corner.tolist()):
            mask[i, y : y + 3, x : x + 3] = 1
        quarter = 2 * (corner[:, 0] >= 3).long() + (corner[:, 1] >= 3).long()
        spot = corner.flip(1) + 1.0
        return InMemory(images + mask[:, None], {"quarter": quarter, "mask": mask, "spot": spot})

    def show(self, inputs: Tensor) -> list[Shown]:
        grey = (inputs[0].clamp(0, 1) * 255).byte().numpy()
        return [Picture(np.repeat(grey[:, :, None], 3, axis=2))]


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list that gets an entry each time the splits of a `Tiny` are made."""
    read: list[str] = []
    splits = Tiny.splits

    def counted(recipe: Tiny) -> Mapping[str, Dataset[Any]]:
        read.append("splits")
        return splits(recipe)

    monkeypatch.setattr(Tiny, "splits", counted)
    return read


class NotFinite(Tiny):
    """One training image is NaN."""

    def squares(self, split: str, size: int) -> InMemory:
        data = super().squares(split, size)
        if split == "train":
            data.inputs[5] = math.nan
        return data


class EmptySplit(Tiny):
    """There is no validation data."""

    def squares(self, split: str, size: int) -> InMemory:
        return super().squares(split, 0 if split == "val" else size)


class WrongShape(Tiny):
    """The masks have another size than the images."""

    def squares(self, split: str, size: int) -> InMemory:
        data = super().squares(split, size)
        data.targets["mask"] = data.targets["mask"][:, :7, :7]
        return data


class WrongClass(Tiny):
    """A mask with a class that the task does not have."""

    def squares(self, split: str, size: int) -> InMemory:
        data = super().squares(split, size)
        data.targets["mask"][3, 0, 0] = 7
        return data


class Unlabelled(Tiny):
    """A task whose labels are all missing."""

    def squares(self, split: str, size: int) -> InMemory:
        data = super().squares(split, size)
        data.targets["spot"].fill_(math.nan)
        return data


class Crashes(Tiny):
    """Fails as only a defect of the code can."""

    def splits(self) -> Mapping[str, Dataset[Any]]:
        raise ZeroDivisionError("a defect")


class Doubled(Equal):
    """A balancer of the user's own."""

    def __init__(self, *, factor: float = 2.0) -> None:
        super().__init__()
        self.factor = factor

    def objective(self, losses: Tensor, info: Any) -> Tensor:
        return self.factor * losses.sum()


def tree(folder: Path) -> dict[str, str]:
    """The content of all files below a folder, as hashes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
