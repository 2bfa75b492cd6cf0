"""`events.jsonl`: one line for each step and each evaluation."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


class EventLog:
    """An append-only file of JSON lines; lines are kept in memory until `flush`.

    Args:
        path: the file; None keeps nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._waiting: list[str] = []

    def write(self, event: str, **values: Any) -> None:
        """Adds a line ``{"event": event, ...}``."""
        if self.path is not None:
            self._waiting.append(json.dumps({"event": event, **values}) + "\n")

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
