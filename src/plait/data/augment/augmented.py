"""A data set whose examples are augmented anew in each epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

import torch
from torch import Tensor
from torch.utils.data import Dataset

from plait.core.seeding import derive_seed
from plait.data.augment.images import Augment
from plait.data.augment.labels import Place, Placed
from plait.data.draws import Draw

Example = tuple[Tensor, Mapping[str, Tensor]]


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
        tasks: their geometry says how each label moves with the image (see `Augment`); labels of
            other tasks are handed on untouched.
        seed: seed of all draws; 0 by default.

    Raises:
        IndexError: the index is beyond the data set's length.
    """

    takes_draws = True

    def __init__(
        self, dataset: MapStyle, augment: Augment, tasks: Iterable[Placed], *, seed: int = 0
    ) -> None:
        self.dataset = dataset
        self.augment = augment
        self.places = {t.name: Place(t.name, t.geometry, t.missing) for t in tasks}
        self.seed = seed

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, draw: Draw | int) -> Example:
        index, epoch = draw if isinstance(draw, tuple) else (draw, 0)
        # A range makes -1 the last index, and any integer type an int: one example, one seed
        index = range(len(self.dataset))[index]
        image, targets = self.dataset[index]
        generator = torch.Generator().manual_seed(derive_seed(self.seed, int(epoch), index))
        return self.augment(image, targets, self.places, generator)
