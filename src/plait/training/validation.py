"""One evaluation before the first epoch: metrics that the labels do not define are said then."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch

from plait.core.batch import Batch
from plait.core.errors import PlaitWarning
from plait.data import batches_of
from plait.evaluation.evaluate import Evaluation, evaluate
from plait.evaluation.rules import Rule, check_labels
from plait.model import MultiTaskModel
from plait.runs import EventLog, Warned
from plait.tasks import BaseTask
from plait.training.labels import LabelStatistics


def look_ahead(
    model: MultiTaskModel, val: Any, log: EventLog, *, rule: str | Rule, device: torch.device | str
) -> None:
    """Evaluates once before training, so that no error of measuring comes after an epoch.

    Warns of metrics that the labels do not define, and of tasks whose labels are all equal.
    Iterators, which can be read only once, are left alone.

    Args:
        model: the model, before its first step.
        val: the validation data.
        log: gets a `Warned` for each warning.
        rule: by which epochs will be judged.
        device: where to run.

    Raises:
        DataError: a task that the rule reads has no valid label.
        PlaitError: what `evaluate` raises.
    """
    if isinstance(val, Iterator):
        return
    labels = LabelStatistics(model.tasks)
    found = evaluate(model, _noted(val, labels, model.tasks), device=device)
    check_labels(rule, model.tasks, found)
    for text in undefined(model.tasks, found, labels):
        log.write(Warned(step=0, text=text))
        warnings.warn(text, PlaitWarning, stacklevel=4)


def _noted(
    val: Iterable[Any], labels: LabelStatistics, tasks: Mapping[str, BaseTask]
) -> Iterator[Batch]:
    for batch in batches_of(val, tasks.values()):
        labels.add([batch])
        yield batch


def undefined(
    tasks: Mapping[str, BaseTask], found: Evaluation, labels: LabelStatistics
) -> list[str]:
    """Returns a sentence for each task with a metric, or a skill, that the labels do not define."""
    texts = []
    for name, summary in labels.statistics.items():
        nan = [key for key, value in found.metrics.get(name, {}).items() if math.isnan(value)]
        if nan:
            texts.append(
                f"{', '.join(nan)} of task {name!r} cannot be computed on the validation data, "
                "since the labels there, or the constant predictions of an untrained network, do "
                "not define it; it is NaN, and skill leaves the task out where its main metric is. "
                "Divide the data so that every split has labels of each kind."
            )
        elif tasks[name].all_equal(summary):
            texts.append(
                f"the validation labels of task {name!r} are all equal, so that a constant can be "
                "perfect; skill leaves the task out where it is. Divide the data so that every "
                "split has different labels."
            )
    return texts
