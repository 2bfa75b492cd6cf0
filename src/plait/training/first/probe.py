"""Does a loss depend on its labels, and on its predictions? Other ones are tried on a copy."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from plait.core.errors import PlaitError
from plait.core.random_state import random_state, random_state_kept, restore
from plait.core.structure import map_tensors, tensors
from plait.tasks import BaseTask, Task

TIMES = (1.0, -1.0, 100.0, -1e4)  # the size of the predictions: how far others are from them
KNOWN = "plait.tasks"  # kinds of tasks whose losses read their labels


def is_known(task: BaseTask) -> bool:
    """Returns whether the loss is one of plait's own, which needs no probe."""
    return type(task) is not Task and type(task).__module__.startswith(KNOWN)


def labels_count(
    task: BaseTask, prediction: Tensor, target: Any, weights: Tensor | None
) -> bool | None:
    """Returns whether other labels of the same batch give another loss.

    Tried are the labels moved by one row, and those of the first and of the last row in all rows.

    Returns:
        None where it cannot be told: fewer than two labelled rows, equal labels, equal predictions
        of all rows, or a loss that cannot be computed from the predictions alone.
    """
    there = task.label_weights(target, weights) > 0
    rows = there.reshape(len(there), -1).any(dim=1).nonzero().flatten()
    if len(rows) < 2 or bool((prediction[rows] == prediction[rows[:1]]).all()):
        return None
    others = list(_others(target, rows, len(there)))
    if not others:
        return None
    return _differs(task, [(prediction, each) for each in (target, *others)], weights)


def predictions_count(
    task: BaseTask, prediction: Tensor, target: Any, weights: Tensor | None
) -> bool | None:
    """Returns whether other predictions give another loss; None where it cannot be told."""
    draw = torch.Generator().manual_seed(0)
    noise = torch.randn(prediction.shape, generator=draw).to(prediction)
    size = prediction.abs().max().clamp_min(1.0)
    others = [prediction + times * size * noise for times in TIMES]
    return _differs(task, [(each, target) for each in (prediction, *others)], weights)


def _others(target: Any, rows: Tensor, size: int) -> Iterator[Any]:
    """Yields the labels in another order of rows, without those that are the same labels."""
    for chosen in (rows.roll(1), rows[:1].expand_as(rows), rows[-1:].expand_as(rows)):
        index = torch.arange(size, device=rows.device)
        index[rows] = chosen
        other = map_tensors(partial(_rows, index), target)
        pairs = zip(tensors(target), tensors(other), strict=True)
        if not all(torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in pairs):
            yield other


def _rows(index: Tensor, each: Tensor) -> Tensor:
    return each[index.to(each.device)]


def _differs(
    task: BaseTask, cases: list[tuple[Tensor, Any]], weights: Tensor | None
) -> bool | None:
    """Returns whether the losses of several predictions and labels are not all the same."""
    device = cases[0][0].device
    try:
        alone = copy.deepcopy(task)  # a loss may have a state of its own
        with random_state_kept(device), torch.no_grad():
            losses, before = [], random_state(device)
            for prediction, target in cases:
                restore(before, device)
                losses.append(alone.loss(prediction, target, weights))
    except (RuntimeError, PlaitError):  # it differentiates the prediction itself, as physics does
        return None
    return any(not torch.equal(each, losses[0]) for each in losses[1:])
