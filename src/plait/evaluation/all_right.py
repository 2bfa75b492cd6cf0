"""Metrics over several tasks at once: the share of examples for which all of them are right."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from plait.core.batch import Part
from plait.core.errors import ConfigError, UnsupportedError, unknown
from plait.core.structure import PerTask
from plait.tasks.base import BaseTask
from plait.tasks.labels import ClassLabels, YesNoLabels

AllRight = Mapping[str, Sequence[str]]  # {metric: tasks}


def check_all_right(all_right: AllRight, tasks: Mapping[str, BaseTask]) -> None:
    """Raises `ConfigError` for a task that is unknown, or neither right nor wrong.

    Args:
        all_right: `{metric: tasks}`.
        tasks: `{name: task}` of the model.
    """
    for metric, names in all_right.items():
        if not names:
            raise ConfigError(
                f"`all_right` metric {metric!r} names no task. Write the tasks' names."
            )
        for name in names:
            if name not in tasks:
                raise ConfigError(unknown(f"task of `all_right` metric {metric!r}", name, tasks))
            if not isinstance(tasks[name], ClassLabels | YesNoLabels):
                raise ConfigError(
                    f"`all_right` metric {metric!r} is of predictions that are right or wrong: "
                    f"classes and yes or no; found task {name!r}, a "
                    f"{type(tasks[name]).__name__}. Leave it out."
                )


class AllRightMeters:
    """Counts the examples for which several tasks are all right.

    An example is right for a task if each of its labels is: its class, the class of each of its
    pixels or tokens that have one, or all its yes-or-no labels. It counts where each of the tasks
    has a label for it; of several yes-or-no labels, all.

    Args:
        all_right: `{metric: tasks}`.
        tasks: `{name: task}` of the model.

    Raises:
        ConfigError: a task is unknown, or of another kind.
    """

    def __init__(self, all_right: AllRight, tasks: Mapping[str, BaseTask]) -> None:
        check_all_right(all_right, tasks)
        self._asked = all_right
        self._tasks = tasks
        self._sums: dict[str, Tensor] = {}  # right ones, and all that count

    def update(self, predictions: Mapping[str, Tensor], part: Part) -> None:
        """Adds the examples of a part of a batch.

        Raises:
            UnsupportedError: inputs differ by task, so that examples have one task each.
        """
        if self._asked and isinstance(part.inputs, PerTask):
            raise UnsupportedError(
                "`all_right` metrics are of examples that several tasks share; here inputs differ "
                "by task. Leave `all_right` out."
            )
        for metric, names in self._asked.items():
            if all(name in part.targets for name in names):
                each = [self._right(name, predictions[name], part) for name in dict.fromkeys(names)]
                right, known = (torch.stack(found).all(dim=0) for found in zip(*each, strict=True))
                sums = torch.stack([(right & known).sum(), known.sum()])
                self._sums[metric] = self._sums[metric] + sums if metric in self._sums else sums

    def compute(self) -> dict[str, float]:
        """Returns `{metric: share of the examples}`; NaN where no example counts."""
        found = {}
        for metric in self._asked:
            right, known = self._sums[metric].tolist() if metric in self._sums else (0, 0)
            found[metric] = right / known if known else math.nan
        return found

    def _right(self, name: str, prediction: Tensor, part: Part) -> tuple[Tensor, Tensor]:
        """Returns for each example whether all its labels are right, and whether it counts."""
        task, target = self._tasks[name], part.targets[name]
        there = task.label_weights(target, part.weights.get(name)) > 0
        decided = task.decode(prediction).value.reshape(target.shape)
        wrong = ((decided != target) & there).reshape(len(target), -1).any(dim=1)
        labelled = there.reshape(len(target), -1)
        whole = isinstance(task, YesNoLabels)
        return ~wrong, labelled.all(dim=1) if whole else labelled.any(dim=1)
