"""Losses and metrics of a model on a data set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from plait.data import batches_of
from plait.data.table_loader import counting
from plait.evaluation.all_right import AllRight
from plait.evaluation.evaluator import Evaluation, Evaluator
from plait.evaluation.resampled import Resampler
from plait.model import MultiTaskModel
from plait.networks.modes import evaluating


def evaluate(
    model: MultiTaskModel,
    batches: Iterable[Any],
    *,
    device: torch.device | str | None = None,
    statistics: Mapping[str, Tensor] | None = None,
    all_right: AllRight | None = None,
    resampler: Resampler | None = None,
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
        resampler: is given all that is read, for the metrics on resamples of it.

    Returns:
        Losses, metrics and counts by task; a task without a valid label in all of `batches` has no
        loss, and its metrics are undefined.

    Raises:
        ConfigError: `statistics` or `all_right` name an unknown task; a metric is not one number,
            or cannot read the task's predictions.
        NonFiniteError: a prediction is NaN where there is a label; names the task.
        DataError: a batch is not what `as_batch` takes, or labels break their task's rule.
    """
    device, tasks = device or next(model.parameters()).device, model.tasks.values()
    evaluator = Evaluator(model.tasks, device, statistics=statistics, all_right=all_right)
    # The generator as well: iterating a DataLoader draws from it
    with evaluating(model), torch.no_grad(), torch.random.fork_rng(devices=[]):
        for each in batches_of(counting(batches, tasks), tasks):
            batch = each.labelled.to(device)
            outputs = [model(part.inputs, tasks=part.tasks) for part in batch.parts]
            if resampler is not None:
                resampler.add(each, outputs)
            found = model.losses(outputs, batch)
            whole = found.stacked_raw
            if whole is None and found.raw:
                whole = torch.stack([*found.raw.values()])
            means = [] if whole is None else whole.tolist()  # one copy
            evaluator.add_losses(dict(zip(found.raw, means, strict=True)), found.counts)
            for out, part in zip(outputs, batch.parts, strict=True):
                evaluator.add(out, part)
    return evaluator.finish()
