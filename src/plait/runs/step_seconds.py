"""The time of a training step, from the log."""

from __future__ import annotations

import math
from pathlib import Path

from plait.runs.logged import steps_of


def step_seconds(folder: Path) -> float:
    """Returns the mean seconds from one step to the next of the same epoch.

        sum over epochs (end of the last step - end of the first) / sum over epochs (steps - 1)

    so that neither evaluation nor start-up counts; NaN where no epoch has two steps.

    Args:
        folder: of a run; its log is read.
    """
    ends: dict[int, tuple[float, float, int]] = {}
    found = steps_of(folder)
    for epoch, now in zip(found.epoch.tolist(), found.seconds.tolist(), strict=True):
        first, _, steps = ends.get(epoch, (now, now, -1))
        ends[epoch] = first, now, steps + 1
    between = sum(steps for _, _, steps in ends.values())
    total = math.fsum(last - first for first, last, _ in ends.values())
    return total / between if between else math.nan
