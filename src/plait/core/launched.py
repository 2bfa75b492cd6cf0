"""Processes that a launcher such as torchrun has started together, told without torch."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from pathlib import Path
from typing import NamedTuple

from plait.core.errors import ConfigError
from plait.core.files import write_json

ERRORS = "PLAIT_ERRORS"  # names the folder in which a process leaves why it has ended


def processes() -> int:
    """Returns the number of processes that were started together, this one among them."""
    return int(os.environ.get("WORLD_SIZE") or 1)


def is_first() -> bool:
    """Returns whether this is rank 0, which writes files and shows what happens."""
    return processes() == 1 or int(os.environ.get("RANK") or 0) == 0


def check_timeout(seconds: float | None) -> None:
    """Checks how long processes wait for each other; None is as long as torch has it.

    Raises:
        ConfigError: it is not above 0, or without an end.
    """
    if seconds is not None and not 0 < seconds < math.inf:
        raise ConfigError(f"the timeout must be above 0 seconds and finite; found {seconds:g}.")


class Left(NamedTuple):
    """The last words of a process.

    Attributes:
        rank: its number.
        code: its exit code.
        reason: why it ends; "" where a traceback of its own says so.
        time: when it first knew, in seconds since 1970.
    """

    rank: int
    code: int
    reason: str
    time: float


def leave(reason: str, code: int) -> bool:
    """Leaves why this process ends for the `plait` that has started it; False if none has.

    What it has left before stays.

    Args:
        reason: in words; "" where a traceback says so.
        code: the exit code that it will have.
    """
    folder = os.environ.get(ERRORS)
    if folder is None:
        return False
    path = Path(folder, f"{os.environ['RANK']}.json")
    if not path.exists():
        write_json(path, {"code": code, "reason": reason, "time": time.time()})
    return True


def last_words(folder: Path) -> list[Left]:
    """Returns the last words that processes have left in a folder, the earliest first."""
    files = folder.glob("*.json")
    found = [Left(int(each.stem), **json.loads(each.read_text(encoding="utf-8"))) for each in files]
    return sorted(found, key=lambda each: (each.time, each.rank))


def complain(reason: str, code: int) -> None:
    """Says why this process ends: to the `plait` that has started it, or else on stderr."""
    if not leave(reason, code):
        print(f"plait: {reason}", file=sys.stderr)
