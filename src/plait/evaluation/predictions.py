"""Losses and metrics of predictions that no network of plait has made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from plait.core.batch import Batch
from plait.core.errors import DataError, unknown
from plait.evaluation.evaluator import Evaluation, Evaluator
from plait.evaluation.resampled import Resampler
from plait.tasks.base import BaseTask


def evaluate_predictions(
    tasks: Mapping[str, BaseTask],
    predictions: Mapping[str, Tensor],
    labels: Mapping[str, Any],
    *,
    weights: Mapping[str, Tensor] | None = None,
    statistics: Mapping[str, Tensor] | None = None,
    resampler: Resampler | None = None,
) -> Evaluation:
    """Computes the losses and metrics of predictions for all rows of a data set.

    They are those that `evaluate` gives for a model with these predictions, so that rows of a table
    from elsewhere, such as scikit-learn's models, stand beside those of networks.

    Predictions are what the head of the task would give:

        Classification, Tagging, Segmentation    logits: log-probabilities are some, log p
        Binary, MultiLabel                       logits: log p - log(1 - p), p the chance of yes
        Regression, DenseRegression              numbers in the unit of the labels

    A probability of 0 or 1 is to be moved by a hair (1e-12), since its logit is infinite.

    Args:
        tasks: `{name: task}`; those without predictions have no loss, and undefined metrics.
        predictions: `{task: [N, ...]}`, one for each of the N rows, also for those without a label:
            logits `[N, classes]`, `[N, 1]` of `Binary`, `[N, labels]`; numbers `[N, outputs]`.
        labels: `{task: labels [N, ...]}` of the same rows, in the same order; what is missing is
            NaN or the task's `missing`.
        weights: `{task: example weights [N], or a mask or weights in the shape of the labels}`.
        statistics: as for `evaluate`.
        resampler: as for `evaluate`. Rows in the order of the test part of a network get the same
            draws.

    Raises:
        DataError: a task is unknown or has no labels; labels break their task's rule; tasks have
            different numbers of rows.
        NonFiniteError: a prediction is NaN where there is a label; names the task.

    Example:
        >>> from plait.tasks import Binary
        >>> found = evaluate_predictions(
        ...     {"sick": Binary("sick")},
        ...     {"sick": torch.tensor([[0.2], [0.9], [0.4]]).logit()},
        ...     {"sick": torch.tensor([0.0, 1.0, 1.0])},
        ... )
        >>> found.metrics["sick"]["auroc"]
        1.0
    """
    for name in predictions:
        if name not in tasks:
            raise DataError(unknown("task of predictions", name, tasks))
        if name not in labels:
            raise DataError(unknown("labels of task", name, labels))
    sizes = {name: len(each) for name, each in predictions.items()}
    if len(set(sizes.values())) != 1:
        raise DataError(
            f"predictions must be of the same rows for all tasks; found {sizes or 'none'}. Give a "
            "task the missing label where it has none."
        )
    own = {name: tasks[name] for name in predictions}
    given = {name: labels[name] for name in own}
    rows = torch.zeros(next(iter(sizes.values())), 0)
    batch = Batch.of(rows, given, own.values(), weights=weights)
    evaluator = Evaluator(tasks, "cpu", statistics=statistics)
    out = {name: each.detach().cpu() for name, each in predictions.items()}
    with torch.no_grad():
        for part in batch.labelled.parts:
            losses = {
                name: float(tasks[name].loss(out[name], target, part.weights.get(name)))
                for name, target in part.targets.items()
            }
            evaluator.add_losses(losses, part.counts)
            evaluator.add(out, part)
        if resampler is not None:
            resampler.add(batch, [out] if batch.labelled.parts else [])
    return evaluator.finish()
