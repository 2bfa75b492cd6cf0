"""A file that tells how much of it was read."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import IO, Any

Progress = Callable[[int, int], object]  # is told the bytes that were read, and those of the file


class Counted(io.RawIOBase):
    """A file that is read through to its end, and tells how far it is.

    Args:
        file: an open file.
        size: its bytes.
        progress: is told the bytes that were read, and the size.
    """

    def __init__(self, file: IO[bytes], size: int, progress: Progress) -> None:
        self._file = file
        self._size = size
        self._progress = progress

    def readable(self) -> bool:
        """Whether it can be read: always."""
        return True

    def seekable(self) -> bool:
        """Whether it can be set back: always."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Moves to a place."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Returns the place."""
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        """Reads some bytes, all that are left by default."""
        found = self._file.read(size)
        self._progress(self._file.tell(), self._size)
        return found

    def readinto(self, buffer: Any) -> int:
        """Reads as many bytes as a buffer takes, and returns their number."""
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)
