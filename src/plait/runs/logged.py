"""The lines of one kind in the log of a run, as plain values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plait.runs.folder import EVENTS


def logged(folder: Path, event: str) -> Iterator[dict[str, Any]]:
    """Yields the lines of `events.jsonl` that are of one kind, in their order.

    Args:
        folder: of a run that has a log.
        event: the kind, such as "step" or "evaluation"; see `plait.runs.events`. Lines of other
            kinds are passed over unread, since most of a log is steps.
    """
    start = f'{{"event": "{event}"'
    with (folder / EVENTS).open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith(start):
                yield json.loads(line)
