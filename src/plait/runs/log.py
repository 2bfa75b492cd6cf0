"""`events.jsonl` while it is written."""

from __future__ import annotations

import os
from pathlib import Path

from plait.runs.events import Event, encode


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
        """Writes the waiting lines to the disk and returns the file's size in bytes."""
        if self.path is None:
            return 0
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(self._waiting)
            self._waiting.clear()
            file.flush()
            os.fsync(file.fileno())
            return file.tell()

    def truncate(self, size: int) -> None:
        """Cuts the file back to `size` bytes: what came after the checkpoint happens again."""
        self._waiting.clear()
        if self.path is not None and self.path.exists():
            with self.path.open("r+b") as file:
                file.truncate(size)
