"""Pictures of a table's rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from plait.data.images import bytes_of_picture, decode, decoder, upright
from plait.data.readers.files import Files
from plait.data.readers.kept import Kept


class Images:
    """Pictures from files, resized to one size: float32 `[C, H, W]` in [0, 1].

    A picture is turned upright as its camera has noted; its aspect is not kept. A row without a
    file has a grey picture, 0.5 throughout.

    Args:
        files: JPEG or PNG.
        size: height and width in pixels.
        channels: 3 for colour, 1 for grey.
        keep: rows whose decoded pictures may be kept in memory, the most useful first.
        budget: bytes for them; 0 by default, which keeps none.

    Raises:
        DataError: when a row is read: its file is no whole picture, or too large.
    """

    def __init__(
        self,
        files: Files,
        size: tuple[int, int],
        channels: int = 3,
        *,
        keep: Iterable[int] = (),
        budget: float = 0,
    ) -> None:
        decoder()  # its absence is better known now than at the first picture
        self.files = files
        self.size = size
        self.channels = channels
        self._kept = Kept(keep, (channels, *size), budget)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, row: int) -> Tensor:
        return self._kept.get(row, lambda: self._picture(row)).float() / 255

    def decoded(self, row: int) -> Any:
        """Returns the picture of a row as it is in its file, upright, as an image of Pillow."""
        return upright(decode(self.files.read(row), self.files.place(row)))

    def _picture(self, row: int) -> Tensor:
        if not self.files.names[row]:
            return torch.full((self.channels, *self.size), 128, dtype=torch.uint8)
        return bytes_of_picture(self.decoded(row), self.size, self.channels)
