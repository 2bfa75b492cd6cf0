"""`events.jsonl` while it is written."""

from __future__ import annotations

import os
from pathlib import Path

from plait.runs.encoding import encode
from plait.runs.events import Event


class EventLog:
    """An append-only file of events, one JSON line each; lines stay in memory until `flush`.

    Args:
        path: the file; None keeps nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._waiting: list[str] = []

    def write(self, event: Event) -> None:
        """Adds the line of an event."""
        if self.path is not None:
            self._waiting.append(encode(event) + "\n")

    def flush(self) -> int:
        """Writes the waiting lines, for any reader to see, and returns the file's size in bytes."""
        if self.path is None:
            return 0
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(self._waiting)
            self._waiting.clear()
            file.flush()
            return file.tell()

    def sync(self) -> int:
        """Flushes, and waits until the disk has every line, as a checkpoint needs it.

        That takes milliseconds, the time of many small steps; lines after the last checkpoint may
        be lost with the machine, since they happen again on resuming.

        Returns:
            The file's size in bytes.
        """
        size = self.flush()
        if self.path is not None:
            with self.path.open("ab") as file:
                os.fsync(file.fileno())
        return size

    def truncate(self, size: int) -> None:
        """Cuts the file back to `size` bytes: what came after the checkpoint happens again."""
        self._waiting.clear()
        if self.path is not None and self.path.exists():
            with self.path.open("r+b") as file:
                file.truncate(size)
