"""The base of all sharing: which parameters the tasks have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, final

from torch import nn

from plait.core.arguments import Checked
from plait.core.errors import ConfigError, UnsupportedError, unknown
from plait.core.features import FeatureShape
from plait.core.outputs import TaskFeatures
from plait.core.structure import Pass, passes_of
from plait.core.watched import Watched
from plait.networks import Stage
from plait.sharing.preference.shares import Preference


class Sharing(Checked, nn.Module, ABC):
    """Computes the features of each task from the inputs.

    A subclass writes `setup`, `prototype`, and `run`, which gets one common input: that the inputs
    may differ by task (`PerTask`) is dealt with here.

    Attributes:
        tasks: the names of the tasks, after `setup`.
        shapes: `{task: FeatureShape}`, after `setup`.
        keys_are_private: whether a parameter that is kept under the key of a task serves that task
            alone; otherwise other tasks may reach it too, as they do through experts that all mix.
        serves_preferences: whether it draws a preference between the tasks for each step of the
            training, so that `preferring` can choose one after it.
    """

    keys_are_private: ClassVar[bool] = True
    serves_preferences: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.tasks: tuple[str, ...] = ()
        self.shapes: dict[str, FeatureShape] = {}
        self._source: list[Any] = []  # in a list: the source is no part of this module

    @abstractmethod
    def setup(self, tasks: Sequence[str], example: Any, seed: int = 0) -> None:
        """Builds what depends on the tasks and on the inputs' shapes; called once, by the model.

        Args:
            tasks: the names of all tasks.
            example: one batch of inputs; only shapes and dtypes matter.
            seed: of new parameters; what a task gets depends on (seed, its name) alone.
        """

    @final  # type: ignore[misc]  # torch declares `forward` as an attribute
    def forward(self, inputs: Any, tasks: Collection[str] | None = None) -> TaskFeatures:
        """Computes the features of the wanted tasks, with the terms and numbers of this pass.

        Args:
            inputs: one common input, or `PerTask({task: inputs})`.
            tasks: the tasks that are wanted; all by default.

        Raises:
            ConfigError: before `setup`; an unknown task; a task without an input of its own.
        """
        return self.run_all(passes_of(inputs, self._wanted(tasks)))

    @abstractmethod
    def run(self, inputs: Any, tasks: Sequence[str]) -> TaskFeatures:
        """Computes the features of the tasks that read one common input.

        Args:
            inputs: a tensor, any nested structure of tensors, or `Masked`; never `PerTask`.
            tasks: the wanted tasks, at least one, in the order of `setup`.
        """

    def run_all(self, passes: Sequence[Pass]) -> TaskFeatures:
        """Runs the passes of one forward, one after the other, and joins what they give.

        Args:
            passes: one for all wanted tasks, or one for each where the inputs differ by task; none
                if no task is wanted.
        """
        return TaskFeatures.joined([self.run(*each) for each in passes])

    @abstractmethod
    def prototype(self) -> nn.Module:
        """Returns one encoder that stands for all of them, for the model folder."""

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
        """Returns the encoder that serves a task, alone or with others; None if several do."""
        return None

    def common_stages(self) -> list[Stage]:
        """Returns the stages that run in every pass, whatever tasks are wanted.

        Several processes can hold parts of them, for all of them then run them. Empty where no
        stage is known to.
        """
        return []

    def same_features(self, tasks: Collection[str]) -> bool:
        """Returns whether tasks read one and the same `Features` of any common input.

        False where that is not known. Their heads can then run at once.
        """
        return False

    def factors(self) -> dict[str, float]:
        """Returns `{task: factor of its loss in this step}`; empty if all count in full."""
        return {}

    def preferring(self, preference: Preference | None) -> AbstractContextManager[None]:
        """Chooses the preference between the tasks that eval mode has for a while.

        Args:
            preference: `{task: number}`, at least 0, in multiples of equal weighting: 1 for tasks
                that are not named. None leaves it as it is, which is equal for all tasks.

        Raises:
            UnsupportedError: the network is the same for all preferences.
            ConfigError: an unknown task, a negative number, or 0 for all tasks.

        Example:
            >>> import torch
            >>> from plait.sharing import PaLoRA
            >>> sharing = PaLoRA(nn.Linear(5, 4)).eval()
            >>> sharing.setup(["a", "b"], torch.zeros(2, 5))
            >>> with sharing.preferring({"a": 3}):  # 3 to 1
            ...     features = sharing(torch.ones(2, 5))
        """
        if preference is None:
            return nullcontext()
        raise UnsupportedError(
            f"`preference` needs a model that has learned to serve any, sharing.PaLoRA; found "
            f"sharing.{type(self).__name__}, which serves one. Train with sharing=PaLoRA, or leave "
            "the preference out."
        )

    def watched(self) -> dict[str, Watched]:
        """Returns `{title: table}` of parameters to log; empty if there is nothing to show."""
        return {}

    def searched(self) -> dict[str, Any]:
        """Returns the options that build the structure that a search has found, to retrain it.

        Empty for a sharing that searches nothing, and before a search has begun.
        """
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
        asked = set(tasks)
        found = [task for task in self.tasks if task in asked]
        if len(found) < len(asked):
            stray = next(task for task in tasks if task not in self.tasks)
            raise ConfigError(unknown("task", stray, self.tasks))
        return found


class JointSharing(Sharing):
    """A sharing whose passes have something in common: one draw for all, or a term over all.

    Derive from it in place of `Sharing`, and write `run_all` in place of `run`.
    """

    def run(self, inputs: Any, tasks: Sequence[str]) -> TaskFeatures:
        """Computes the features of the tasks that read one common input."""
        return self.run_all([Pass(inputs, list(tasks))])

    @abstractmethod
    def run_all(self, passes: Sequence[Pass]) -> TaskFeatures:
        """Runs the passes of one forward.

        Args:
            passes: one for all wanted tasks, or one for each where the inputs differ by task; none
                if no task is wanted.
        """
