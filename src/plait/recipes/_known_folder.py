"""The base of known tables whose rows are in several files of a folder."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plait.recipes.table import Table

if TYPE_CHECKING:
    import pandas as pd

SPLITS = ("train", "dev", "test")  # as corpora of language name them


def short_training(epochs: int, lr: float) -> Mapping[str, Any]:
    """Returns settings of a training whose learning rate rises first and ends at zero.

    A data set of a few thousand sentences or sounds is learned in minutes, and the last epochs at a
    falling rate are worth more than a choice among many at a constant one.

    Args:
        epochs: in all.
        lr: the highest learning rate.
    """
    return {
        "epochs": epochs,
        "batch_size": 32,
        "optimizer": {"class": "AdamW", "lr": lr, "weight_decay": 0.01},
        "scheduler": {"class": "OneCycleLR", "max_lr": lr},
        "clip": 5.0,
        "measure_every": 25,
    }


class KnownFolder(Table):
    """A known table that is read from a folder; a frame of its columns takes its place.

    Args:
        data: the folder, or a frame. The other arguments are those of `Table`.
    """

    needs_data = True

    def read(self) -> pd.DataFrame:
        """Reads the folder as a frame."""
        if isinstance(self.data, str | Path):
            return self.read_folder(Path(self.data))
        return super().read()

    @abstractmethod
    def read_folder(self, folder: Path) -> pd.DataFrame:
        """Reads the files, one row for each example."""
