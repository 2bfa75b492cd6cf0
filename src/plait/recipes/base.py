"""The base of the recipes: data, tasks, encoder and defaults of a known problem."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from torch import Tensor, nn
from torch.utils.data import Dataset

from plait.core.errors import UnsupportedError
from plait.tasks import BaseTask


class Recipe(ABC):
    """A known problem, ready to train.

    Attributes:
        needs_data: whether the recipe reads a data folder (`data`).
        defaults: settings of a run that suit the problem, by the names of the run's configuration.
        views: `{task: kind}` for the gallery: "label", "mask", "point" (pixels) or "box" (fractions
            of width and height: xmin, ymin, xmax, ymax). Empty where the inputs are no pictures: a
            run then has no gallery.
        backgrounds: `{task: class}` that the gallery leaves clear in a mask; class 0 by default.
    """

    needs_data: ClassVar[bool] = False
    defaults: ClassVar[Mapping[str, Any]] = {}
    views: ClassVar[Mapping[str, str]] = {}
    backgrounds: ClassVar[Mapping[str, int]] = {}

    @property
    def class_names(self) -> Mapping[str, list[str]]:
        """Names of the classes by task; a task that is not named shows its class numbers."""
        return {}

    @abstractmethod
    def tasks(self) -> list[BaseTask]:
        """Returns all tasks of the problem, new at each call."""

    @abstractmethod
    def encoder(self) -> nn.Module:
        """Returns the encoder that suits the problem, with new weights."""

    @abstractmethod
    def splits(self) -> Mapping[str, Dataset[Any]]:
        """Returns the data sets "train", "val" and "test"; items are `(inputs, {task: label})`."""

    def picture(self, inputs: Tensor) -> np.ndarray:
        """Returns one example's inputs as a picture, `[H, W, 3]`, uint8; for recipes with `views`.

        Raises:
            UnsupportedError: the inputs are no pictures.
        """
        raise UnsupportedError(f"the inputs of {type(self).__name__} are no pictures.")
