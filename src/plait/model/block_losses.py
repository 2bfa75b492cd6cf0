"""The losses of a batch as one vector, where the heads of like tasks have run at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from plait.core.batch import Batch, Part
from plait.core.outputs import Losses, Outputs
from plait.tasks.base import BaseTask


def joined_losses(
    tasks: Mapping[str, BaseTask],
    outputs: Sequence[Outputs],
    batch: Batch,
    counts: Mapping[str, float],
) -> Losses:
    """Returns the losses as one vector, where the heads of like tasks have run at once.

    Nothing is supervised before an exchange there, since nothing is exchanged.
    """
    order = [name for name in tasks if name in counts]
    names: list[str] = []
    found: list[Tensor] = []
    for out, part in zip(outputs, batch.parts, strict=True):
        mine, losses = _of_part(tasks, out, part)
        if len(outputs) > 1:
            shares = [part.counts[name] / counts[name] for name in mine]
            losses = losses * _numbers(shares, losses)
        names += mine
        found.append(losses)
    raw = found[0] if len(found) == 1 else torch.cat(found)
    if names != order:
        place = {name: position for position, name in enumerate(order)}
        places = torch.tensor([place[name] for name in names]).to(raw.device, non_blocking=True)
        raw = raw.new_zeros(len(order)).index_add(0, places, raw)
    weights = [tasks[name].weight for name in order]
    weighted = raw
    if any(weight != 1.0 for weight in weights):
        weighted = raw * _numbers(weights, raw)
    return Losses.joined(weighted, raw, {name: counts[name] for name in order})


def _of_part(
    tasks: Mapping[str, BaseTask], out: Outputs, part: Part
) -> tuple[Sequence[str], Tensor]:
    """Returns the names and losses `[n]` of the tasks that have labels in a part."""
    names: list[str] = []
    found: list[Tensor] = []
    for slices in () if out.changed else out.slices:
        given = slices.owner.loss(slices, part)
        if given is not None:
            names += given[0]
            found.append(given[1])
    if len(names) < len(part.counts):
        together = set(names)
        apart = [name for name in tasks if name in part.counts and name not in together]
        names += apart
        found.append(torch.stack([_loss(tasks[name], out, part) for name in apart]))
    return names, found[0] if len(found) == 1 else torch.cat(found)


def _loss(task: BaseTask, out: Outputs, part: Part) -> Tensor:
    """Returns the loss of a task in a part that has labels of it."""
    name = task.name
    labels, weights = part.targets[name], part.weights.get(name)
    return task.loss(out[name], labels, weights, count=part.counts[name])


def _numbers(values: Sequence[float], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype).to(like.device, non_blocking=True)
