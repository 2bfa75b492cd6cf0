"""The objective of a search: the score by the rule, or the main metric of each task."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from plait.core.errors import ConfigError
from plait.runs.result import RunResult
from plait.tasks import BaseTask
from plait.tasks.metric_rules import direction

ObjectiveName = Literal["rule", "task"]


@dataclass(frozen=True)
class Objective:
    """The numbers on the validation data that a search makes as good as it can.

    Attributes:
        names: of its numbers: the rule, or "task/metric" for each task.
        higher_is_better: the direction of each.
        tasks: `(task, metric)` of each; empty where it is the rule's score.
    """

    names: tuple[str, ...]
    higher_is_better: tuple[bool, ...]
    tasks: tuple[tuple[str, str], ...] = ()

    @property
    def directions(self) -> list[str]:
        """The directions, as Optuna calls them."""
        return ["maximize" if higher else "minimize" for higher in self.higher_is_better]

    @property
    def several(self) -> bool:
        """Whether there are several numbers, of which none counts more than another."""
        return len(self.names) > 1

    def values(self, result: RunResult) -> list[float]:
        """Returns the numbers of a finished run, in its best epoch by the rule.

        NaN where the validation data do not define one.
        """
        if not self.tasks:
            return [result.score if math.isfinite(result.score) else math.nan]
        found = result.validation
        return [found.get(task, {}).get(metric, math.nan) for task, metric in self.tasks]


def objective(name: ObjectiveName, rule: str, tasks: Sequence[BaseTask]) -> Objective:
    """Returns the objective of a name.

    Args:
        name: "rule" for the score by the rule, "task" for the main metric of each task.
        rule: of the runs.
        tasks: that they train.

    Raises:
        ConfigError: a task has no metric.
    """
    if name == "rule":
        return Objective((rule,), (True,))
    without = next((task.name for task in tasks if not task.metric_prototypes), None)
    if without is not None:
        raise ConfigError(
            f"task {without!r} has no metric, so it can be no objective. Search by the rule: "
            "--objective rule."
        )
    main = [(task, *next(iter(task.metric_prototypes.items()))) for task in tasks]
    names = tuple(f"{task.name}/{metric}" for task, metric, _ in main)
    return Objective(
        names,
        tuple(direction(each, metric) for each, (_, _, metric) in zip(names, main, strict=True)),
        tuple((task.name, metric) for task, metric, _ in main),
    )
