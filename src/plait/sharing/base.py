"""The base of all sharing: which parameters the tasks have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from torch import nn

from plait.core.errors import ConfigError, UnsupportedError, unknown
from plait.core.features import Features, FeatureShape
from plait.core.structure import PerTask


class Sharing(nn.Module, ABC):
    """From the inputs to the features of each task.

    Attributes:
        tasks: the names of the tasks, after `setup`.
        shapes: `{task: FeatureShape}`, after `setup`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.tasks: tuple[str, ...] = ()
        self.shapes: dict[str, FeatureShape] = {}

    @abstractmethod
    def setup(self, tasks: Sequence[str], example: Any, seed: int = 0) -> None:
        """Builds what depends on the tasks and on the inputs' shapes. Is called once.

        Args:
            tasks: the names of all tasks.
            example: one batch of inputs; only shapes and dtypes matter.
            seed: of new parameters; what a task gets depends on (seed, its name) alone.
        """

    @abstractmethod
    def forward(self, inputs: Any, tasks: Collection[str] | None = None) -> dict[str, Features]:
        """Returns the features of the wanted tasks.

        Args:
            inputs: one common input, or `PerTask({task: inputs})`.
            tasks: the tasks that are wanted; all by default.
        """

    @abstractmethod
    def prototype(self) -> nn.Module:
        """Returns one of the encoders, to describe them all."""

    def networks(self) -> Mapping[str, nn.Module]:
        """Returns `{task: network}` where each task has one of its own, for regularisation.

        Raises:
            UnsupportedError: the tasks share their network.
        """
        raise UnsupportedError(
            f"regularisation ties one network per task; {type(self).__name__} shares parameters "
            "already. Use sharing.Separate."
        )

    def _wanted(self, tasks: Collection[str] | None) -> list[str]:
        """Returns the wanted tasks in the order of setup."""
        if not self.tasks:
            raise ConfigError(
                f"{type(self).__name__} has no tasks yet; call `setup`, or use MultiTaskModel."
            )
        if tasks is None:
            return list(self.tasks)
        for task in tasks:
            if task not in self.tasks:
                raise ConfigError(unknown("task", task, self.tasks))
        return [task for task in self.tasks if task in tasks]


def input_of(task: str, inputs: Any) -> Any:
    """Returns the input of one task: its own of `PerTask`, else the common one."""
    if not isinstance(inputs, PerTask):
        return inputs
    if task not in inputs:
        raise ConfigError(unknown("input of task", task, inputs))
    return inputs[task]
