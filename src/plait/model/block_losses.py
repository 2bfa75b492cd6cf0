"""The losses of a batch as one vector, where the heads of like tasks have run at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import torch
from torch import Tensor

from plait.core.batch import Batch, Part
from plait.core.names import Names
from plait.core.outputs import Losses, Outputs
from plait.tasks.base import BaseTask

Named = tuple[Names, Tensor]  # names of tasks, and a vector with an entry for each


def joined_losses(
    tasks: Mapping[str, BaseTask], outputs: Sequence[Outputs], batch: Batch
) -> Losses:
    """Returns the losses as one vector, where the heads of like tasks have run at once.

    Nothing is supervised before an exchange there, since nothing is exchanged.
    """
    counts, found = batch.counts, list[Named]()
    for out, part in zip(outputs, batch.parts, strict=True):
        mine, losses = _of_part(tasks, out, part)
        if len(outputs) > 1:
            shares = [part.counts[name] / counts[name] for name in mine]
            losses = losses * _numbers(shares, losses)
        found.append((mine, losses))
    names, raw = _summed(tasks, *_joined(found))
    weights = [task.weight for task in names.of(tasks)]
    plain = weights.count(1.0) == len(weights)
    return Losses.joined(names, raw if plain else raw * _numbers(weights, raw), raw, counts)


def _of_part(tasks: Mapping[str, BaseTask], out: Outputs, part: Part) -> Named:
    """Returns the names and losses `[n]` of the tasks that have labels in a part."""
    slices = () if out.changed else out.slices
    found = [loss for each in slices if (loss := each.owner.loss(each, part)) is not None]
    if sum(len(names) for names, _ in found) < len(part.counts):
        together = {name for names, _ in found for name in names}
        apart = Names([name for name in tasks if name in part.counts and name not in together])
        found.append((apart, torch.stack([_loss(tasks[name], out, part) for name in apart])))
    return _joined(found)


def _joined(found: Sequence[Named]) -> Named:
    """Returns several vectors as one."""
    if len(found) == 1:
        return found[0]
    names = Names([name for each, _ in found for name in each])
    return names, torch.cat([losses for _, losses in found])


def _summed(tasks: Iterable[str], names: Names, losses: Tensor) -> Named:
    """Returns the sums of the losses of equal names, in the order of the tasks."""
    wanted = tuple(tasks)
    if names == wanted:
        return names, losses
    order, places = _order(wanted, names)
    if order == names:
        return names, losses
    places = places.to(losses.device, non_blocking=True)
    return order, losses.new_zeros(len(order)).index_add(0, places, losses)


@lru_cache(maxsize=16)  # of most trainings, all steps have the same tasks
def _order(tasks: tuple[str, ...], names: Names) -> tuple[Names, Tensor]:
    """Returns the names in the order of the tasks, and the place `[n]` of each name in it."""
    order = Names([name for name in tasks if name in names.place])
    with torch.inference_mode(False):  # a step may need it whose graph is kept
        return order, torch.tensor(names.of(order.place))


def _loss(task: BaseTask, out: Outputs, part: Part) -> Tensor:
    """Returns the loss of a task in a part that has labels of it."""
    name = task.name
    labels, weights = part.targets[name], part.weights.get(name)
    return task.loss(out[name], labels, weights, count=part.counts[name])


def _numbers(values: Sequence[float], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype).to(like.device, non_blocking=True)
