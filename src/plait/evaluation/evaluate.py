"""Losses and metrics of a model on a data set."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from plait.core.errors import ConfigError, unknown
from plait.data import batches_of
from plait.evaluation.all_right import AllRight, AllRightMeters
from plait.evaluation.task_meters import ConstantMeters, TaskMeters, nan_predictions
from plait.model import MultiTaskModel
from plait.networks.modes import evaluating
from plait.runs.events import Scores
from plait.tasks.metrics import direction

FEW = 20  # labels, which may all be predicted alike by chance


@dataclass(frozen=True)
class Evaluation:
    """Losses and metrics of a model on a data set.

    Attributes:
        losses: `{task: mean loss over all valid labels}`; without tasks that have no such label.
        metrics: `{task: {metric: value}}` of every task, the main metric first; NaN where it is
            undefined, such as the area under the ROC curve of one class.
        trivial: the same of the constant prediction that is best for each metric; empty unless
            label statistics were given.
        counts: `{task: mass of the valid labels}` of every task, 0 without any.
        higher_is_better: `{task: {metric: direction}}` of every task.
        undefined: `{task: {metric: reason}}` of the metrics that are NaN, the reason as what
            follows "because": "all labels are 'no'"; empty if there is none.
        one_class: `{task: the class}` of the tasks that predict one class only, although their
            labels have more; empty if there is none. Of fewer than 20 labels nothing is said.
        all_right: `{metric: share of the examples}` of the metrics over several tasks that were
            asked for; NaN where no example has a label of each.
    """

    losses: dict[str, float]
    metrics: Scores
    trivial: Scores
    counts: dict[str, float]
    higher_is_better: dict[str, dict[str, bool]] = field(default_factory=dict)
    undefined: dict[str, dict[str, str]] = field(default_factory=dict)
    one_class: dict[str, str] = field(default_factory=dict)
    all_right: dict[str, float] = field(default_factory=dict)


def evaluate(
    model: MultiTaskModel,
    batches: Iterable[Any],
    *,
    device: torch.device | str | None = None,
    statistics: Mapping[str, Tensor] | None = None,
    all_right: AllRight | None = None,
) -> Evaluation:
    """Computes the losses and metrics of a model on a data set, in eval mode, without gradients.

    The modes of the model's modules and the global CPU generator are left as found.

    Args:
        model: the model.
        batches: a loader or list of `Batch` objects, or of what `plait.data.as_batch` takes, such
            as `(inputs, {task: labels})`.
        device: where to run; by default where the model is.
        statistics: `{task: summary of the training labels}`, as the task's `summarise` and `merge`
            give them; with them the metrics of the constant predictor are computed as well
            (majority class; mean, or median for mean absolute errors).
        all_right: metrics over several tasks at once, `{metric: tasks}`, such as
            ``{"sentence_accuracy": ["intent", "slots"]}``: the share of the examples for which
            all of the tasks are right, see `AllRightMeters`.

    Returns:
        Losses, metrics and counts by task; a task without a valid label in all of `batches` has no
        loss, and its metrics are undefined.

    Raises:
        ConfigError: `statistics` or `all_right` name an unknown task; a metric is not one number,
            or cannot read the task's predictions.
        NonFiniteError: a prediction is NaN where there is a label; names the task.
        DataError: a batch is not what `as_batch` takes, or labels break their task's rule.
    """
    for name in statistics or {}:
        if name not in model.tasks:
            raise ConfigError(unknown("task", name, model.tasks))
    device = device or next(model.parameters()).device
    meters = {name: TaskMeters(task, device) for name, task in model.tasks.items()}
    constants = {
        name: ConstantMeters(model.tasks[name], summary, device)
        for name, summary in (statistics or {}).items()
    }
    together = AllRightMeters(all_right or {}, model.tasks)
    losses = dict.fromkeys(model.tasks, 0.0)
    counts = dict.fromkeys(model.tasks, 0.0)
    # The generator as well: iterating a DataLoader draws from it
    with evaluating(model), torch.no_grad(), torch.random.fork_rng(devices=[]):
        for each in batches_of(batches, model.tasks.values()):
            batch = each.labelled.to(device)
            outputs = [model(part.inputs, tasks=part.tasks) for part in batch.parts]
            found = model.losses(outputs, batch)
            means = torch.stack([*found.raw.values()]).tolist() if found.raw else []  # one copy
            for name, mean in zip(found.raw, means, strict=True):
                if math.isnan(mean):
                    raise nan_predictions(name)
                losses[name] += mean * found.counts[name]
                counts[name] += found.counts[name]
            for out, part in zip(outputs, batch.parts, strict=True):
                together.update(out, part)
                for name, target in part.targets.items():
                    weights = part.weights.get(name)
                    meters[name].update(out[name], target, weights)
                    if name in constants:
                        constants[name].update(out[name], target, weights)
    metrics = {name: each.compute() for name, each in meters.items()}
    reasons = {name: each.why(metrics[name], counts[name]) for name, each in meters.items()}
    return Evaluation(
        {name: losses[name] / count for name, count in counts.items() if count > 0},
        metrics,
        {name: each.compute() for name, each in constants.items()},
        counts,
        {
            name: {key: direction(f"{name}/{key}", made) for key, made in prototypes.items()}
            for name, prototypes in ((n, t.metric_prototypes) for n, t in model.tasks.items())
        },
        {name: each for name, each in reasons.items() if each},
        {
            name: only
            for name, each in meters.items()
            if counts[name] >= FEW and (only := each.decided.only())
        },
        together.compute(),
    )
