"""Losses and metrics of a model on a data set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from plait.core.errors import ConfigError, unknown
from plait.data import batches_of
from plait.model import MultiTaskModel
from plait.networks.modes import evaluating
from plait.runs.events import Scores
from plait.tasks.metrics import direction


@dataclass(frozen=True)
class Evaluation:
    """Losses and metrics of a model on a data set.

    Attributes:
        losses: `{task: mean loss over all valid labels}`; without tasks that have no such label.
        metrics: `{task: {metric: value}}` of the same tasks, the main metric first.
        trivial: the same metrics of the constant predictor; empty unless label statistics were
            given.
        counts: `{task: mass of the valid labels}` of every task, 0 without any.
        higher_is_better: `{task: {metric: direction}}` of every task.
    """

    losses: dict[str, float]
    metrics: Scores
    trivial: Scores
    counts: dict[str, float]
    higher_is_better: dict[str, dict[str, bool]] = field(default_factory=dict)


def evaluate(
    model: MultiTaskModel,
    batches: Iterable[Any],
    *,
    device: torch.device | str | None = None,
    statistics: Mapping[str, Tensor] | None = None,
) -> Evaluation:
    """Computes the losses and metrics of a model on a data set, in eval mode, without gradients.

    The modes of the model's modules and the global CPU generator are left as found.

    Args:
        model: the model.
        batches: a loader or list of `Batch` objects, or of what `plait.data.as_batch` takes, such
            as `(inputs, {task: labels})`.
        device: where to run; by default where the model is.
        statistics: `{task: summed label statistics of the training data}`; with them the metrics of
            the constant predictor (majority class, mean) are computed as well.

    Returns:
        Losses, metrics and counts by task; a task without a valid label in all of `batches` has no
        loss and no metrics.

    Raises:
        ConfigError: `statistics` name an unknown task.
        DataError: a batch is not what `as_batch` takes, or labels break their task's rule.
    """
    for name in statistics or {}:
        if name not in model.tasks:
            raise ConfigError(unknown("task", name, model.tasks))
    device = device or next(model.parameters()).device
    metrics = {name: _on(device, task.new_metrics()) for name, task in model.tasks.items()}
    trivial = {name: _on(device, model.tasks[name].new_metrics()) for name in statistics or {}}
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
                losses[name] += mean * found.counts[name]
                counts[name] += found.counts[name]
            for out, part in zip(outputs, batch.parts, strict=True):
                for name, target in part.targets.items():
                    task, weights = model.tasks[name], part.weights.get(name)
                    _update(metrics[name], *task.select(out[name], target, weights))
                    if statistics is not None and name in statistics:
                        constant = task.trivial(statistics[name], out[name])
                        _update(trivial[name], *task.select(constant, target, weights))
    labelled = [name for name, count in counts.items() if count > 0]
    return Evaluation(
        {name: losses[name] / counts[name] for name in labelled},
        _compute(metrics, labelled),
        _compute(trivial, labelled),
        counts,
        {
            task: {name: direction(f"{task}/{name}", metric) for name, metric in each.items()}
            for task, each in metrics.items()
        },
    )


def _on(device: torch.device | str, metrics: dict[str, Metric]) -> dict[str, Metric]:
    return {name: metric.to(device) for name, metric in metrics.items()}


def _update(metrics: Mapping[str, Metric], prediction: Any, target: Any) -> None:
    for metric in metrics.values():
        metric.update(prediction, target)


def _compute(metrics: Mapping[str, Mapping[str, Metric]], labelled: Sequence[str]) -> Scores:
    return {
        task: {name: float(metric.compute()) for name, metric in metrics[task].items()}
        for task in labelled
        if task in metrics
    }
