"""The base of the recipes: data, tasks, encoder and defaults of a known problem."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from torch import nn
from torch.utils.data import Dataset

from plait.tasks import BaseTask


class Recipe(ABC):
    """A known problem, ready to train: it describes data, tasks and network, and reads no file.

    Attributes:
        needs_data: True if the recipe takes a data folder, as its argument `data`.
        defaults: settings of a run that suit the problem, by the names of the run's configuration.
    """

    needs_data: ClassVar[bool] = False
    defaults: ClassVar[Mapping[str, Any]] = {}

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

    def show(self, inputs: Any) -> np.ndarray[Any, Any] | None:
        """Turns the inputs of one example into a picture, uint8 `[H, W, 3]`.

        None if the inputs are no picture (the default): a run then has no gallery.
        """
        return None
