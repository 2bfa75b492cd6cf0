"""Pictures of a table's rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from plait.data.images import bytes_of_picture, decode, decoder, upright, upright_size
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
        keep: rows whose decoded pictures are kept in memory; none by default.

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
    ) -> None:
        decoder()  # its absence is better known now than at the first picture
        self.files = files
        self.size = size
        self.channels = channels
        self._kept = Kept(keep, (channels, *size))

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, row: int) -> Tensor:
        return self._kept.get(row, lambda: self._picture(row)).float() / 255

    def decoded(self, row: int) -> Any:
        """Returns the picture of a row as it is in its file, upright, as an image of Pillow."""
        return upright(decode(self.files.read(row), self.files.place(row)))

    def own_size(self, row: int) -> tuple[int, int]:
        """Returns width and height of a row's picture in its file, upright; without decoding it."""
        if not self.files.names[row]:
            return self.size[1], self.size[0]
        width, height = upright_size(self.files.read(row), self.files.place(row))
        return width, height

    def look(self, row: int) -> None:
        """Looks at the head of a row's file, which costs a fraction of reading it.

        Raises:
            DataError: it is no picture, or too large.
        """
        self.own_size(row)

    def _picture(self, row: int) -> Tensor:
        if not self.files.names[row]:
            return torch.full((self.channels, *self.size), 128, dtype=torch.uint8)
        return bytes_of_picture(self.decoded(row), self.size, self.channels)
