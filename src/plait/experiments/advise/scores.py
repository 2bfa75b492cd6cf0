"""The scores of a run's epochs, from its log."""

from __future__ import annotations

import math
from pathlib import Path

from plait.runs.folder import EVENTS
from plait.runs.logged import logged


def epoch_scores(folder: Path) -> dict[int, float]:
    """Returns `{epoch: score on the validation split}` of a run, from epoch 1.

    Args:
        folder: of the run; one without a log has no scores.
    """
    if not (folder / EVENTS).is_file():
        return {}
    return {
        line["epoch"]: line["score"]
        for line in logged(folder, "evaluation")
        if line["epoch"] > 0 and math.isfinite(line["score"])
    }
