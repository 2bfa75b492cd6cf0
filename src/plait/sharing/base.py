"""The base of all sharing: which parameters the tasks have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from torch import nn

from plait.core.errors import ConfigError, UnsupportedError, unknown
from plait.core.features import FeatureShape
from plait.core.outputs import TaskFeatures
from plait.core.structure import PerTask
from plait.core.watched import Watched


class Sharing(nn.Module, ABC):
    """From the inputs to the features of each task.

    Attributes:
        tasks: the names of the tasks, after `setup`.
        shapes: `{task: FeatureShape}`, after `setup`.
        keys_are_private: whether a parameter that is kept under the key of a task serves that task
            alone; otherwise other tasks may reach it too, as they do through experts that all mix.
    """

    keys_are_private: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.tasks: tuple[str, ...] = ()
        self.shapes: dict[str, FeatureShape] = {}
        self._source: list[Any] = []  # in a list: the source is no part of this module

    @abstractmethod
    def setup(self, tasks: Sequence[str], example: Any, seed: int = 0) -> None:
        """Builds what depends on the tasks and on the inputs' shapes. Is called once.

        Args:
            tasks: the names of all tasks.
            example: one batch of inputs; only shapes and dtypes matter.
            seed: of new parameters; what a task gets depends on (seed, its name) alone.
        """

    @abstractmethod
    def forward(self, inputs: Any, tasks: Collection[str] | None = None) -> TaskFeatures:
        """Returns the features of the wanted tasks, with the terms and numbers of this pass.

        Args:
            inputs: one common input, or `PerTask({task: inputs})`.
            tasks: the tasks that are wanted; all by default.
        """

    @abstractmethod
    def prototype(self) -> nn.Module:
        """Returns one of the encoders, to describe them all."""

    def networks(self) -> Mapping[str, nn.Module]:
        """Returns `{task: network}` where each task has one of its own, for families 2 and 3.

        Raises:
            UnsupportedError: the tasks share their network.
        """
        raise UnsupportedError(
            f"regularisation ties one network per task; {type(self).__name__} shares parameters "
            "already. Use sharing.Separate."
        )

    def encoder_of(self, task: str) -> nn.Module | None:
        """Returns the one encoder that serves a task, alone or with others; None if several do."""
        return None

    def watched(self) -> dict[str, Watched]:
        """Returns what to log of the parameters by title."""
        return {}

    def found(self) -> dict[str, Any]:
        """Returns the options with which to build and retrain what a search has found."""
        return {}

    def _take_source(self) -> Any:
        """Returns the encoder to copy from; raises `ConfigError` at the second call."""
        if not self._source:
            raise ConfigError(
                f"{type(self).__name__} was set up before, and its encoders belong to that model. "
                f"Make a new {type(self).__name__} for another one."
            )
        return self._source.pop()

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
