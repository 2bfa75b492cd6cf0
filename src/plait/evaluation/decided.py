"""Does a task predict one class only, although its labels have more?"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from plait.tasks.base import BaseTask
from plait.tasks.labels import ClassLabels, YesNoLabels


class Decided:
    """Watches which classes a task predicts and which its labels have, at the cost of two ranges.

    Args:
        task: the task; of one without classes, and without yes or no, nothing is kept.
    """

    def __init__(self, task: BaseTask) -> None:
        self._task = task
        self._knows = isinstance(task, ClassLabels | YesNoLabels)
        self._ranges: Tensor | None = None  # lowest and highest of predictions and of labels

    def update(self, chosen: Any, labels: Any) -> None:
        """Adds a batch, as the task's `select` gives it."""
        if not self._knows or len(chosen) == 0:
            return
        decided = chosen
        if chosen.is_floating_point():
            yes_or_no = isinstance(self._task, YesNoLabels)
            decided = (chosen > 0.5).long() if yes_or_no else chosen.argmax(dim=-1)
        there = labels >= 0
        most = int(torch.iinfo(torch.int64).max)
        found = torch.stack(
            [
                decided.where(there, most).min(),
                -decided.where(there, -1).max(),
                labels.where(there, most).min(),
                -labels.max(),
            ]
        )
        self._ranges = found if self._ranges is None else self._ranges.minimum(found)

    def only(self) -> str:
        """Names the one class that was predicted; "" if there are more, or the labels have one."""
        if self._ranges is None:
            return ""
        lowest, highest, first, last = self._ranges.tolist()
        if lowest != -highest or first == -last:
            return ""
        if isinstance(self._task, YesNoLabels) and self._task.labels > 1:
            return ("no", "yes")[lowest]
        return str(lowest) if self._task.names is None else str(self._task.names[lowest])
