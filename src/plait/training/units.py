"""The units of regressions, read from the training labels before the first step."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from plait.core.errors import PlaitWarning
from plait.data import batches_of
from plait.distributed import ranks
from plait.model import MultiTaskModel
from plait.runs import EventLog, Warned
from plait.tasks.labels import Moments, WithUnit
from plait.training.feed import Feed

STREAM = 16  # batches of a stream that are read, and kept until they are trained on


def fit_units(model: MultiTaskModel, feed: Feed, log: EventLog) -> None:
    """Reads the `mean` and `scale` that are "auto" from the training labels, in one pass.

    The training then draws what it would have drawn without. Numbers that a model already has,
    since it was loaded or its tasks fitted, are left as they are; without any that are to be read,
    no batch is.

    Args:
        model: its heads are given the numbers.
        feed: the training data; of a stream, the first 16 batches are read.
        log: gets a `Warned` for each task of equal labels, and for the tasks of a stream.

    Raises:
        DataError: a task has no label; of a stream, that is a warning.
    """
    tasks = _unfitted(model)
    if not tasks:
        return
    own = {name: Moments(task.outputs) for name, task in tasks.items()}
    for batch in batches_of(feed.ahead(STREAM), model.tasks.values()):
        for part in batch.parts:
            for name in tasks.keys() & part.targets.keys():
                tasks[name].add_labels(own[name], part.targets[name], part.weights.get(name))
    found = _merged(ranks().gather(own))
    absent = [name for name, each in found.items() if feed.streams and not bool(each.mass.any())]
    said = [task.take(found[name]) for name, task in tasks.items() if name not in absent]
    if absent:
        said.append(
            f"the first {STREAM} batches of the stream have no label of task {', '.join(absent)}: "
            "`mean` stays 0, and `scale` 1. Give the task its numbers, or call `fit_labels`."
        )
    if feed.streams:
        text = f"`mean` and `scale` of {', '.join(tasks)} come from the first {STREAM} batches."
        log.write(Warned(step=0, text=text))
    for text in filter(None, said):
        log.write(Warned(step=0, text=text))
        warnings.warn(text, PlaitWarning, stacklevel=4)


def _merged(many: Sequence[dict[str, Moments]]) -> dict[str, Moments]:
    """Returns the labels of all processes together, each of which has read its part."""
    found, *others = many
    for each in others:
        for name, moments in each.items():
            found[name].merge(moments)
    return found


def _unfitted(model: MultiTaskModel) -> dict[str, WithUnit]:
    """Returns the tasks that learn and whose numbers are to be read, if a head uses them."""
    modules = set(model.modules())
    tasks = {name: model.tasks[name] for name in model.learning}
    return {
        name: task
        for name, task in tasks.items()
        if isinstance(task, WithUnit) and task.unit in modules and not task.unit.fitted
    }
