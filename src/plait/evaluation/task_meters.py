"""All metrics of one task over a data set: of its predictions, and of constants."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from plait.core.errors import ConfigError, NonFiniteError
from plait.evaluation.decided import Decided
from plait.evaluation.meter import READ_PROBABILITIES, Meter
from plait.tasks.base import BaseTask
from plait.tasks.task import Task


class TaskMeters:
    """The metrics of one task, of what a model predicts.

    Args:
        task: the task.
        device: of the predictions.

    Attributes:
        decided: which classes it predicts.

    Raises:
        ConfigError: a metric reads probabilities, and a `Task` does not say what makes them.
    """

    def __init__(self, task: BaseTask, device: torch.device | str) -> None:
        self.task = task
        _check_activation(task)
        self.decided = Decided(task)
        self.meters = {
            name: Meter(f"{task.name}/{name}", metric, device)
            for name, metric in task.new_metrics().items()
        }

    def update(self, prediction: Tensor, target: Any, weights: Tensor | None) -> None:
        """Adds a batch.

        Raises:
            NonFiniteError: a prediction is NaN where there is a label.
        """
        chosen, labels = self.task.select(prediction, target, weights)
        if isinstance(chosen, Tensor) and bool(chosen.isnan().any()):
            raise nan_predictions(self.task.name)
        self.decided.update(chosen, labels)
        self._read(self.meters.values(), (chosen, labels), (prediction, target, weights))

    def _read(
        self, meters: Iterable[Meter], chosen: tuple[Any, Any], batch: tuple[Tensor, Any, Any]
    ) -> None:
        """Gives a batch to meters: what was chosen of it, or whole sequences."""
        for meter in meters:
            meter.update(*(self.task.sequences(*batch) if meter.whole else chosen))

    def compute(self) -> dict[str, float]:
        """Returns `{metric: value}`."""
        return {name: meter.compute() for name, meter in self.meters.items()}

    def reset(self) -> None:
        """Forgets all that was added to the metrics."""
        for meter in self.meters.values():
            meter.reset()

    def why(self, values: Mapping[str, float], count: float) -> dict[str, str]:
        """Returns `{metric: reason}` of the metrics that are NaN.

        Args:
            values: what `compute` gave.
            count: mass of the valid labels.
        """
        if count == 0:
            return dict.fromkeys(values, "there is no label")
        called = ("no", "yes") if self.task.geometry == "labels" else self.task.names
        return {
            name: self.meters[name].why(called)
            for name, value in values.items()
            if math.isnan(value)
        }


class ConstantMeters(TaskMeters):
    """The metrics of one task, each of the constant prediction that is best for it.

    Args:
        task: the task.
        summary: of the training labels.
        device: of the predictions.
    """

    def __init__(self, task: BaseTask, summary: Tensor, device: torch.device | str) -> None:
        super().__init__(task, device)
        self._groups: list[tuple[Tensor, list[Meter]]] = []  # metrics with the same constant
        for name, meter in self.meters.items():
            constant = task.constant(summary, task.metric_prototypes[name])
            for known, meters in self._groups:
                if torch.equal(known, constant):
                    meters.append(meter)
                    break
            else:
                self._groups.append((constant, [meter]))

    def update(self, prediction: Tensor, target: Any, weights: Tensor | None) -> None:
        """Adds a batch, of whose prediction only the shape counts."""
        for constant, meters in self._groups:
            spread = self.task.spread(constant, prediction)
            chosen = self.task.select(spread, target, weights)
            self._read(meters, chosen, (spread, target, weights))


def _check_activation(task: BaseTask) -> None:
    """Asks, whatever the predictions are now: logits may be in 0..1 in one epoch only."""
    if not isinstance(task, Task) or task.activation is not None:
        return
    for name, metric in task.metric_prototypes.items():
        if isinstance(metric, READ_PROBABILITIES):
            raise ConfigError(
                f"metric '{task.name}/{name}' ({type(metric).__name__}) reads probabilities, and "
                f"takes logits for some where they are in 0..1. Give the task {task.name!r} what "
                "makes probabilities of its predictions: `activation=torch.sigmoid`, or "
                "`activation=torch.nn.Identity()` if they are some."
            )


def nan_predictions(task: str) -> NonFiniteError:
    """Returns the error of a task whose predictions are NaN."""
    return NonFiniteError(
        f"the predictions of task {task!r} are NaN where there are labels, so that its scores "
        "would mean nothing. Look for NaN in the inputs, or for a training that explodes."
    )
