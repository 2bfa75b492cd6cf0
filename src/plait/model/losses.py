"""The losses of a batch, task by task, over the parts that have its labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from plait.core.batch import Batch
from plait.core.outputs import Losses, Outputs
from plait.tasks.base import BaseTask


def task_losses(
    tasks: Mapping[str, BaseTask], outputs: Sequence[Outputs], batch: Batch, early_weight: float
) -> Losses:
    """Returns `{task: static weight x L_t}` of the tasks present; see `MultiTaskModel.losses`.

    Args:
        tasks: `{name: task}` of the model.
        outputs: the predictions of each part of the batch.
        batch: the labels.
        early_weight: of the predictions before the exchange, where these are supervised too.
    """
    counts = {name: n for name, n in batch.counts.items() if n > 0}
    raw: dict[str, Tensor] = {}
    for name, task in tasks.items():
        for out, part in zip(outputs, batch.parts, strict=True):
            if name not in part.counts:
                continue
            labels, weights = part.targets[name], part.weights.get(name)
            count = part.counts[name]
            loss = task.loss(out[name], labels, weights, count=count)
            for early in out.early.get(name, ()):
                again = task.loss(early, labels, weights, count=count)
                loss = loss + early_weight * again
            share = count / counts[name]
            loss = loss if share == 1.0 else loss * share
            raw[name] = raw[name] + loss if name in raw else loss
    weighted = {
        name: loss if tasks[name].weight == 1.0 else loss * tasks[name].weight
        for name, loss in raw.items()
    }
    return Losses(weighted, raw=raw, counts={name: counts[name] for name in raw})
