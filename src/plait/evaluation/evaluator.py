"""The losses and metrics of what a model predicts, batch by batch."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from plait.core.batch import Part
from plait.core.errors import ConfigError, unknown
from plait.evaluation.all_right import AllRight, AllRightMeters
from plait.evaluation.task_meters import ConstantMeters, TaskMeters, nan_predictions
from plait.runs.events import Scores
from plait.tasks.base import BaseTask
from plait.tasks.metric_rules import direction

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

    def only(self, tasks: Collection[str]) -> Evaluation:
        """Returns the evaluation of some tasks, with all metrics over several tasks."""
        by_task = dict(vars(self))
        together = by_task.pop("all_right")
        return Evaluation(
            all_right=together,
            **{
                name: {task: value for task, value in each.items() if task in tasks}
                for name, each in by_task.items()
            },
        )


class Evaluator:
    """Adds up the losses and metrics of several tasks.

    Args:
        tasks: `{name: task}`.
        device: of the predictions.
        statistics: `{task: summary of the training labels}`, for the constant predictor.
        all_right: metrics over several tasks at once, `{metric: tasks}`.

    Raises:
        ConfigError: `statistics` or `all_right` name an unknown task, or a metric cannot read the
            task's predictions.
    """

    def __init__(
        self,
        tasks: Mapping[str, BaseTask],
        device: torch.device | str,
        *,
        statistics: Mapping[str, Tensor] | None = None,
        all_right: AllRight | None = None,
    ) -> None:
        for name in statistics or {}:
            if name not in tasks:
                raise ConfigError(unknown("task", name, tasks))
        self._tasks = tasks
        self._meters = {name: TaskMeters(task, device) for name, task in tasks.items()}
        self._constants = {
            name: ConstantMeters(tasks[name], summary, device)
            for name, summary in (statistics or {}).items()
        }
        self._together = AllRightMeters(all_right or {}, tasks)
        self._losses = dict.fromkeys(tasks, 0.0)
        self._counts = dict.fromkeys(tasks, 0.0)

    def add_losses(self, means: Mapping[str, float], counts: Mapping[str, float]) -> None:
        """Adds the mean losses of a batch, each with the mass of its labels.

        Raises:
            NonFiniteError: a loss is NaN, since a prediction is; names the task.
        """
        for name, mean in means.items():
            if math.isnan(mean):
                raise nan_predictions(name)
            self._losses[name] += mean * counts[name]
            self._counts[name] += counts[name]

    def add(self, predictions: Mapping[str, Tensor], part: Part) -> None:
        """Adds the predictions for a part of a batch, and its labels."""
        self._together.update(predictions, part)
        for name, target in part.targets.items():
            weights = part.weights.get(name)
            self._meters[name].update(predictions[name], target, weights)
            if name in self._constants:
                self._constants[name].update(predictions[name], target, weights)

    def finish(self) -> Evaluation:
        """Returns the losses and metrics over all that was added, and lets go of it."""
        metrics = {name: each.compute() for name, each in self._meters.items()}
        counts = self._counts
        reasons = {
            name: each.why(metrics[name], counts[name]) for name, each in self._meters.items()
        }
        found = Evaluation(
            {name: self._losses[name] / count for name, count in counts.items() if count > 0},
            metrics,
            {name: each.compute() for name, each in self._constants.items()},
            counts,
            {
                name: {key: direction(f"{name}/{key}", made) for key, made in prototypes.items()}
                for name, prototypes in ((n, t.metric_prototypes) for n, t in self._tasks.items())
            },
            {name: each for name, each in reasons.items() if each},
            {
                name: only
                for name, each in self._meters.items()
                if counts[name] >= FEW and (only := each.decided.only())
            },
            self._together.compute(),
        )
        for each in (*self._meters.values(), *self._constants.values()):
            each.reset()
        return found
