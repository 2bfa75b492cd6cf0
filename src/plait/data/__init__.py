"""Data: files and tables, data in memory, loaders that resume, augmentation with labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    from plait.data.augment import Augment, Augmented
    from plait.data.collate import Collation, as_batch, batches_of, collate
    from plait.data.disjoint import Disjoint, of_tasks
    from plait.data.draws import Draw
    from plait.data.epoch_batches import EpochBatches
    from plait.data.examples import Examples
    from plait.data.in_memory import InMemory
    from plait.data.loader import loader
    from plait.data.mixture import DataSets, EachOnce, Mixture, Source
    from plait.data.resumable import Resumable
    from plait.data.shown import Picture, Row, Sentence, Sound
    from plait.data.streams import OneByOne, Piece, RowStream, Stream, StreamLoader

__all__ = [
    "Augment",
    "Augmented",
    "Collation",
    "DataSets",
    "Disjoint",
    "Draw",
    "EachOnce",
    "EpochBatches",
    "Examples",
    "InMemory",
    "Mixture",
    "OneByOne",
    "Picture",
    "Piece",
    "Resumable",
    "Row",
    "RowStream",
    "Sentence",
    "Sound",
    "Source",
    "Stream",
    "StreamLoader",
    "as_batch",
    "batches_of",
    "collate",
    "loader",
    "of_tasks",
]

lazy(__name__)
