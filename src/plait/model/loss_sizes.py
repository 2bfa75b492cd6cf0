"""A regression in its own unit, whose loss drowns those of the other tasks."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping

import torch
from torch import Tensor

from plait.core.errors import PlaitWarning
from plait.tasks import BaseTask
from plait.tasks.labels import NumberLabels

DROWNS = 100.0  # times the loss beside it
LEAST = 10.0  # of a loss in a unit of its own: standardised numbers start at about 1


def warn_of_sizes(losses: Mapping[str, Tensor], tasks: Mapping[str, BaseTask]) -> None:
    """Warns if the loss of a regression is 100 times that of the other tasks.

    The others are those of another kind, of which the largest counts; where all are regressions, it
    is their median, since a loss of few labels may be small by chance. It waits for the device, so
    it is called once, for the first losses of a training.

    Args:
        losses: `{task: static weight x L_t}`, scalars, at least two.
        tasks: `{name: task}`.
    """
    values = torch.stack([loss.detach().float() for loss in losses.values()]).tolist()
    found = dict(zip(losses, values, strict=True))
    numbers = {
        name: value for name, value in found.items() if isinstance(tasks[name], NumberLabels)
    }
    if not numbers or any(map(math.isnan, values)):
        return  # nothing to compare, or the step will be refused
    largest = max(numbers, key=numbers.__getitem__)
    beside = found.keys() - numbers.keys() or numbers.keys() - {largest}
    ordered = sorted(beside, key=found.__getitem__)
    other = ordered[-1] if numbers.keys() != found.keys() else ordered[(len(ordered) - 1) // 2]
    least = max(DROWNS * found[other], LEAST)
    if found[other] > 0 and least < found[largest] < math.inf:
        warnings.warn(
            f"the first loss of task {largest!r} is {found[largest]:,.4g}, that of task {other!r} "
            f"{found[other]:,.2g}: their sum trains {largest!r} alone. Call `fit_labels` of "
            "the task with the training labels, or give it their `mean` and `scale`.",
            PlaitWarning,
            stacklevel=3,
        )
