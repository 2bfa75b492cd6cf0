"""The base of the recipes: data, tasks, encoder and defaults of a known problem."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import nn
from torch.utils.data import Dataset

from plait.data.shown import Shown
from plait.tasks import BaseTask


class Recipe(ABC):
    """A known problem, ready to train: it describes data, tasks and network, and reads no file.

    Attributes:
        needs_data: True if the recipe takes a data folder, as its argument `data`.
        folders: those in the data folder that are read; all of it if empty.
        defaults: settings of a run that suit the problem, by the names of the run's configuration.
    """

    needs_data: ClassVar[bool] = False
    folders: ClassVar[Sequence[str]] = ()
    defaults: ClassVar[Mapping[str, Any]] = {}

    @classmethod
    def defaults_for(cls, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns the defaults beside some settings of the user's; `defaults`, whatever they are.

        Args:
            settings: of a run, by name.
        """
        return cls.defaults

    @abstractmethod
    def tasks(self) -> list[BaseTask]:
        """Makes all tasks of the problem, new at each call."""

    @abstractmethod
    def encoder(self) -> nn.Module:
        """Makes the encoder that suits the problem, with new weights."""

    @abstractmethod
    def splits(self) -> Mapping[str, Dataset[Any]]:
        """Gives the data sets "train", "val" and "test"; items `[i]` are `(inputs, {task: label})`.

        Any data set that is indexed by whole numbers will do, a list too.
        """

    @property
    def notes(self) -> Sequence[str]:
        """Sentences on the data that a user has to know, said before the training; none here."""
        return ()

    def show(self, inputs: Any) -> Sequence[Shown]:
        """Turns the inputs of one example into what a page can show; into nothing by default.

        A `Picture`, a `Sentence`, a `Sound` or a `Row` of `plait.data` for each input that can be
        shown, in their order. Without any, a run has no gallery.
        """
        return []

    def show_example(self, split: str, index: int, inputs: Any) -> Sequence[Shown]:
        """Shows an example of which the inputs alone do not tell all, such as words from codes.

        Args:
            split: "train", "val" or "test".
            index: the number of the example in its split.
            inputs: of the example; by default, `show` is asked for them.
        """
        return self.show(inputs)
