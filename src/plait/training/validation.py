"""One evaluation before the first epoch: metrics that the labels do not define are said then."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import torch

from plait.core.batch import Batch
from plait.core.errors import NonFiniteError, PlaitWarning
from plait.data import batches_of
from plait.evaluation.all_right import AllRight
from plait.evaluation.evaluate import evaluate
from plait.evaluation.evaluator import Evaluation
from plait.evaluation.rules import Rule, check_labels
from plait.model import MultiTaskModel
from plait.runs import Coverage, EventLog, Warned
from plait.runs.undefined import because
from plait.tasks import BaseTask
from plait.training.inputs import broken_inputs
from plait.training.labels import LabelStatistics
from plait.training.parallel import measured

MOST_NAMES = 6  # in a sentence


def look_ahead(
    model: MultiTaskModel,
    val: Any,
    log: EventLog,
    *,
    rule: str | Rule,
    all_right: AllRight | None = None,
    device: torch.device | str,
) -> dict[str, Coverage]:
    """Evaluates once before training, so that no error of measuring comes after an epoch.

    Warns of metrics that the labels do not define, and of tasks whose labels are all equal.
    Iterators, which can be read only once, are left alone.

    Args:
        model: the model, before its first step.
        val: the validation data.
        log: gets a `Warned` for each warning, and the rows with a label.
        rule: by which epochs will be judged.
        all_right: metrics over several tasks, `{metric: tasks}`.
        device: where to run.

    Returns:
        {"val": rows with a label}; empty if they cannot be read ahead.

    Raises:
        DataError: the rule is a metric of a task that has no valid label.
        PlaitError: what `evaluate` raises.
    """
    if isinstance(val, Iterator):
        return {}
    return measured(
        model, partial(_look, model, val, log, rule=rule, all_right=all_right, device=device)
    )


def _look(
    model: MultiTaskModel,
    val: Any,
    log: EventLog,
    *,
    rule: str | Rule,
    all_right: AllRight | None,
    device: torch.device | str,
) -> dict[str, Coverage]:
    labels = LabelStatistics(model.tasks)
    read: list[Batch] = []  # the last batch
    before = 0

    def noted() -> Iterator[Batch]:
        nonlocal before
        for batch in batches_of(val, model.tasks.values()):
            labels.add([batch])
            before, read[:] = before + len(read), [batch]
            yield batch

    try:
        found = evaluate(model, noted(), device=device, all_right=all_right)
    except NonFiniteError as error:
        inputs = broken_inputs(read, before=before, of="the validation data")
        raise NonFiniteError(f"{error}{inputs}") from None
    labels.log_rows("val", log)
    check_labels(rule, model.tasks, found)
    for text in undefined(model.tasks, found, labels):
        log.write(Warned(step=0, text=text))
        warnings.warn(text, PlaitWarning, stacklevel=6)
    return labels.coverage


def undefined(
    tasks: Mapping[str, BaseTask], found: Evaluation, labels: LabelStatistics
) -> list[str]:
    """Finds the tasks with a metric, or a skill, that the labels do not define.

    Returns:
        a sentence for each kind of lack; a task with a single label is in none for being equal.
    """
    equal = [
        repr(name)
        for name, summary in labels.statistics.items()
        if found.counts[name] > 1 and name not in found.undefined and tasks[name].all_equal(summary)
    ]
    texts = []
    if found.undefined:
        texts.append(
            f"on the validation data, {'; '.join(because(found.undefined))}. Skill leaves a task "
            "out where its main metric is undefined. Divide the data so that every split has "
            "labels of each kind."
        )
    if equal:
        texts.append(
            f"the validation labels are all equal for task {_listed(equal)}, so that a constant "
            "can be perfect; skill leaves the task out where one is. Divide the data so that "
            "every split has different labels."
        )
    return texts


def _listed(names: list[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
