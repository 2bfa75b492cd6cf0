"""The base of methods that take a preference: a factor for each task."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from plait.balancing.base import Balancer
from plait.balancing.contract.names import check_names
from plait.core.errors import ConfigError, ShapeError

Preference = Mapping[str, float] | Sequence[float]


class PreferenceBalancer(Balancer):
    """Weights each task by a factor that the user chooses.

    Args:
        preference: `{task: factor}`, in multiples of equal weighting, 1 for tasks that are not
            named; or the numbers themselves, one for each task, in the order of `setup` or, without
            it, of the rows. Equal weighting on the paper's scale is 1/T each for a "mean" method, T
            the number of tasks present, and 1 each for a "sum" method.

    Attributes:
        zero_preference: whether a preference of 0 is allowed.
        preference: the argument as a dict or a list of floats; None for equal weighting.

    Raises:
        ConfigError: a number is negative, infinite, or 0 where it must not be.
    """

    zero_preference: ClassVar[bool] = False

    def __init__(self, *, preference: Preference | None = None) -> None:
        super().__init__()
        self.preference: dict[str, float] | list[float] | None = None
        if isinstance(preference, Mapping):
            self.preference = {task: float(u) for task, u in preference.items()}
        elif preference is not None:
            self.preference = [float(u) for u in preference]
        given = self.preference or []
        values = list(given.values()) if isinstance(given, dict) else given
        if not all(0 <= u < math.inf and (u > 0 or self.zero_preference) for u in values):
            rule = "not be negative" if self.zero_preference else "be positive"
            raise ConfigError(f"`preference` must {rule}, and finite; found {preference}.")

    def setup(self, tasks: Sequence[str]) -> None:
        """Checks that the tasks named exist, or that there is a number for each task.

        Raises:
            ConfigError: a preference of an unknown task.
            ShapeError: `preference` has another length than the tasks.
        """
        if isinstance(self.preference, dict):
            check_names(self.preference, tasks)
        self._check_length(tasks)
        super().setup(tasks)

    def preference_of(self, present: Sequence[str]) -> np.ndarray:
        """Returns the preference `[T]` of the tasks present, float64."""
        equal = 1.0 / len(present) if self.equal_weight == "mean" else 1.0
        if self.preference is None:
            return np.full(len(present), equal)
        if isinstance(self.preference, dict):
            return equal * np.array([self.preference.get(task, 1.0) for task in present])
        preference = np.asarray(self.preference)
        if self.tasks and set(present) <= set(self.tasks):
            return preference[[self.tasks.index(task) for task in present]]
        self._check_length(present)
        return preference

    def preferred(self, present: Sequence[str], like: Tensor) -> Tensor:
        """Returns the preference `[T]` as a tensor in the dtype and on the device of `like`."""
        return torch.from_numpy(self.preference_of(present)).to(like)

    def _check_length(self, tasks: Sequence[str]) -> None:
        if isinstance(self.preference, list) and len(self.preference) != len(tasks):
            raise ShapeError(
                f"`preference` must have one number for each of the {len(tasks)} tasks; found "
                f"{len(self.preference)}. Name them, or call `setup` with all tasks where some may "
                "be absent."
            )
