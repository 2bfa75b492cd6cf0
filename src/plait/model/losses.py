"""The losses of a batch, task by task, over the parts that have its labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from plait.core.batch import Batch, Part
from plait.core.outputs import Losses, Outputs
from plait.core.rows import by_row
from plait.model.block_losses import joined_losses
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
    if any(out.slices and not out.changed for out in outputs):
        return joined_losses(tasks, outputs, batch)
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
    labelled = None
    if len(batch.parts) == 1 and outputs[0].common:
        labelled = LabelledExamples({name: tasks[name] for name in raw}, batch.parts[0])
    counts = {name: counts[name] for name in raw}
    return Losses(weighted, raw=raw, counts=counts, labelled=labelled)


class LabelledExamples:
    """Knows which examples of a part have a label of which task.

    Args:
        tasks: `{name: task}` of the tasks present.
        part: with their labels.
    """

    def __init__(self, tasks: Mapping[str, BaseTask], part: Part) -> None:
        self._tasks = tasks
        self._part = part

    @property
    def share(self) -> float:
        """The share of all labels that are there, at most 1; counted on the host."""
        examples, part = self._part.examples, self._part
        there = sum(min(part.counts[name], examples) for name in self._tasks)
        return there / max(1, len(self._tasks) * examples)

    def masks(self) -> dict[str, Tensor]:
        """Returns `{task: [B], bool}`, whether an example has a label that counts."""
        targets, weights = self._part.targets, self._part.weights
        return {
            name: by_row(task.label_weights(targets[name], weights.get(name)) > 0)
            for name, task in self._tasks.items()
        }
