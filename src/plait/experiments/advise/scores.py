"""The scores of a run's epochs, from its log."""

from __future__ import annotations

import json
import math
from pathlib import Path

from plait.runs.folder import EVENTS


def epoch_scores(folder: Path) -> dict[int, float]:
    """Returns `{epoch: score on the validation split}` of a run, from epoch 1.

    Args:
        folder: of the run; one without a log has no scores.
    """
    path = folder / EVENTS
    found: dict[int, float] = {}
    if not path.is_file():
        return found
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith('{"event": "evaluation"'):
                event = json.loads(line)
                if event["epoch"] > 0 and math.isfinite(event["score"]):
                    found[event["epoch"]] = event["score"]
    return found
