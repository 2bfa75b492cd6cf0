"""Data: files and tables, data in memory, loaders that resume, augmentation with labels."""

from plait.data.augment import Augment, Augmented
from plait.data.disjoint import Disjoint, of_tasks
from plait.data.draws import Draw, index_of
from plait.data.loading import EpochBatches, InMemory, collate, loader

__all__ = [
    "Augment",
    "Augmented",
    "Disjoint",
    "Draw",
    "EpochBatches",
    "InMemory",
    "collate",
    "index_of",
    "loader",
    "of_tasks",
]
