"""Sounds of a table's rows."""

from __future__ import annotations

import torch

from plait.core.structure import Masked
from plait.data.readers.files import Files
from plait.data.sounds import duration, sound


class Sounds:
    """Sounds from files: ``Masked(samples [N], mask [N])``, float32 in [-1, 1], the mask all true.

    A row without a file is silence of one sample.

    Args:
        files: WAV, FLAC, OGG, MP3 or AIFF.
        rate: samples a second; other rates are resampled.
        seconds: the longest; what follows is cut off.

    Raises:
        DataError: when a row is read: its file is no whole sound.
    """

    def __init__(self, files: Files, rate: int, seconds: float) -> None:
        self.files = files
        self.rate = rate
        self.seconds = seconds

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, row: int) -> Masked:
        if not self.files.names[row]:
            return Masked(torch.zeros(1), torch.ones(1, dtype=torch.bool))
        samples = sound(
            self.files.read(row), self.files.place(row), rate=self.rate, seconds=self.seconds
        )
        return Masked(samples, torch.ones(len(samples), dtype=torch.bool))

    def look(self, row: int) -> None:
        """Looks at the head of a row's file, which costs a fraction of reading it.

        Raises:
            DataError: it is no sound.
        """
        if self.files.names[row]:
            duration(self.files.read(row), self.files.place(row))
