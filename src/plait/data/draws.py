"""Data sets whose augmentation depends on the example and the epoch, and on nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.utils.data import Dataset

from plait.core.seeding import derive_seed
from plait.data.augment import Augment

Example = tuple[Tensor, Mapping[str, Tensor]]


class Draw(NamedTuple):
    """One example of one epoch.

    Attributes:
        index: position in the data set.
        epoch: how often the data have been gone through before, from 0.
    """

    index: int  # type: ignore[assignment] # hides tuple.index, which nobody asks of a draw
    epoch: int


def index_of(draw: Draw | int) -> int:
    """Returns the position that a draw, or a plain index, stands for."""
    return draw.index if isinstance(draw, Draw) else draw


class MapStyle(Protocol):
    """A data set with a length and examples ``(image, {task: label})`` by their position."""

    def __len__(self) -> int:
        """The number of examples."""

    def __getitem__(self, index: int) -> Example:
        """One example."""


class Augmented(Dataset[Example]):
    """A data set whose examples are augmented, anew in each epoch.

    The generator of an example is seeded by (seed, epoch, index): order, batch size, number of
    workers and a resumed run do not change what is drawn. ``augmented[Draw(i, epoch)]`` is example
    i as that epoch sees it; a plain index stands for epoch 0, so a sampler of plain indices gives
    the same view of an example in every epoch.

    Args:
        dataset: has a length and examples ``(image, {task: label})``.
        augment: the augmentation.
        geometry: ``{task: kind}``, how each label moves with the image (see `Augment`).
        seed: seed of all draws; 0 by default.

    Raises:
        ConfigError: `geometry` holds an unknown kind.
        IndexError: the index is beyond the data set's length.
    """

    def __init__(
        self, dataset: MapStyle, augment: Augment, geometry: Mapping[str, str], *, seed: int = 0
    ) -> None:
        augment.check(geometry)
        self.dataset = dataset
        self.augment = augment
        self.geometry = dict(geometry)
        self.seed = seed

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, draw: Draw | int) -> Example:
        index, epoch = draw if isinstance(draw, tuple) else (draw, 0)
        # A range makes -1 the last index, and any integer type an int: one example, one seed.
        index = range(len(self.dataset))[index]
        image, targets = self.dataset[index]
        generator = torch.Generator().manual_seed(derive_seed(self.seed, int(epoch), index))
        return self.augment(image, targets, self.geometry, generator)
