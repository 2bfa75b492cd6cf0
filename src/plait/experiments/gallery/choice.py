"""The examples that are shown: evenly spaced ones, and those with the largest losses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from plait.core.devices import move
from plait.core.spaced import spaced
from plait.data import collate
from plait.model import MultiTaskModel

CANDIDATES = 256  # examples among which the worst are looked for


def worst(model: MultiTaskModel, examples: Any, count: int, *, without: list[int]) -> list[int]:
    """Returns the numbers of the `count` examples with the largest losses, worst first.

    They are looked for among evenly spaced examples, `without` some. Each task's loss is relative
    to its mean over these.
    """
    indices = [i for i in spaced(len(examples), CANDIDATES) if i not in set(without)]
    if not indices or not count:
        return []
    losses = np.array([_losses(model, examples[index]) for index in indices])
    means = np.nansum(losses, axis=0) / np.maximum(np.isfinite(losses).sum(axis=0), 1)
    relative = np.nansum(losses / np.where(means > 0, means, 1.0), axis=1)
    return [indices[i] for i in np.argsort(-relative, kind="stable")[:count]]


def predicted(model: MultiTaskModel, example: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns labels and predictions of one example, `{task: [1, ...]}`, without padding.

    Tasks that the example has no labels of, not even missing ones, are left out.
    """
    inputs, targets = collate([example])
    tasks = [name for name in model.tasks if name in targets]
    with torch.no_grad():
        found = model(move(next(model.parameters()).device, inputs), tasks)
    return targets, {name: found[name].cpu() for name in tasks}


def _losses(model: MultiTaskModel, example: Any) -> list[float]:
    """Returns the loss of each task on an example, NaN where it has no label."""
    targets, predictions = predicted(model, example)
    return [
        float(task.loss(predictions[name], targets[name]))
        if name in targets and task.count(targets[name]) > 0
        else math.nan
        for name, task in model.tasks.items()
    ]
