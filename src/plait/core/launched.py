"""Processes that a launcher such as torchrun has started together, told without torch."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ERRORS = "PLAIT_ERRORS"  # names the folder in which a process leaves why it has ended


def processes() -> int:
    """Returns the number of processes that were started together, this one among them."""
    return int(os.environ.get("WORLD_SIZE") or 1)


def is_first() -> bool:
    """Returns whether this is rank 0, which writes files and shows what happens."""
    return processes() == 1 or int(os.environ.get("RANK") or 0) == 0


def leave(reason: str) -> bool:
    """Leaves why this process ends for the `plait` that has started it; False if none has."""
    folder = os.environ.get(ERRORS)
    if folder is None:
        return False
    Path(folder, os.environ["RANK"]).write_text(reason, encoding="utf-8")
    return True


def complain(reason: str) -> None:
    """Says why this process ends: to the `plait` that has started it, or else on stderr."""
    if not leave(reason):
        print(f"plait: {reason}", file=sys.stderr)
