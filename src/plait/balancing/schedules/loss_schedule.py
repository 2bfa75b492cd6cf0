"""A factor of each task's loss that changes over the training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from plait.balancing.contract.names import check_names
from plait.core.arguments import checked
from plait.core.errors import ConfigError


class LossSchedule:
    """Brings in the losses of tasks one after the other: a warm-up of a task, or a curriculum.

        factor = 0 before `begin`, (progress - begin) / (end - begin) up to `end`, 1 after it

    with `begin` and `end` in shares of the training. The factor multiplies the task's loss. A
    factor of 0 means that the task is absent from the step: it gets no forward pass and no row.

    Args:
        schedule: `{task: (begin, end)}`, 0 <= begin <= end <= 1; with begin = end the task comes
            in at once. Tasks that are not named count from the start.

    Raises:
        ConfigError: a pair outside its range.

    Example:
        >>> schedule = LossSchedule({"depth": (0.25, 0.75)})
        >>> [schedule.factor("depth", progress) for progress in (0.0, 0.5, 0.8)]
        [0.0, 0.5, 1.0]
    """

    @checked
    def __init__(self, schedule: Mapping[str, Sequence[float]]) -> None:
        for task, span in schedule.items():
            if len(span) != 2 or not 0 <= span[0] <= span[1] <= 1:
                raise ConfigError(
                    "`schedule` must be (begin, end) with 0 <= begin <= end <= 1; found "
                    f"{tuple(span)} for task {task!r}."
                )
        self.schedule = {
            task: (float(begin), float(end)) for task, (begin, end) in schedule.items()
        }

    def setup(self, tasks: Sequence[str]) -> None:
        """Checks that each scheduled task exists.

        Raises:
            ConfigError: a name is of no task, or no task counts in the first step.
        """
        check_names(self.schedule, tasks)
        if not any(self.factors(tasks, 0.0).values()):
            raise ConfigError(
                "`schedule` must leave one task in the first step; found that every task begins "
                "later. Leave out one of them, or give it (0, 0)."
            )

    def factor(self, task: str, progress: float) -> float:
        """Returns the factor, in [0, 1], of a task's loss.

        Args:
            task: its name; 1 is returned for a task that is not scheduled.
            progress: share of the training that is done, in [0, 1].
        """
        begin, end = self.schedule.get(task, (0.0, 0.0))
        if progress >= end:
            return 1.0
        if progress <= begin:
            return 0.0
        return (progress - begin) / (end - begin)

    def factors(self, tasks: Iterable[str], progress: float) -> dict[str, float]:
        """Returns `{task: factor}`."""
        return {task: self.factor(task, progress) for task in tasks}
