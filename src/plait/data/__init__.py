"""Where examples come from: in-memory data, loaders that resume, joint augmentation."""

from plait.data.augment import Augment
from plait.data.draws import Augmented, Draw, index_of
from plait.data.loading import EpochBatches, InMemory, collate, loader

__all__ = [
    "Augment",
    "Augmented",
    "Draw",
    "EpochBatches",
    "InMemory",
    "collate",
    "index_of",
    "loader",
]
