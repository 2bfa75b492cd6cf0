"""Methods that can prefer some tasks to others."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from plait.balancing.base import GramianBalancer
from plait.core.errors import ConfigError, ShapeError


class PreferenceBalancer(GramianBalancer):
    """A method with a number for each task that says how much it counts.

    Args:
        preference: one number for each task, finite and not negative, in the order of `setup` or,
            without it, of the rows. By default that of equal weighting on the paper's scale: 1/T
            each for a "mean" method, T the number of tasks present, and 1 each for a "sum" method.
    """

    def __init__(self, *, preference: Sequence[float] | None = None) -> None:
        super().__init__()
        if preference is not None and not all(0 <= u < math.inf for u in preference):
            raise ConfigError(
                f"`preference` must not be negative or infinite; found {list(preference)}."
            )
        self.preference = None if preference is None else [float(u) for u in preference]

    def setup(self, tasks: Sequence[str]) -> None:
        """Checks that there is a preference for each task.

        Raises:
            ShapeError: `preference` has another length than the tasks.
        """
        self._check_length(tasks)
        super().setup(tasks)

    def preference_of(self, present: Sequence[str]) -> np.ndarray:
        """Returns the preference `[T]` of the tasks present."""
        if self.preference is None:
            return np.full(len(present), 1.0 / len(present) if self.equal_weight == "mean" else 1.0)
        preference = np.asarray(self.preference)
        if self.tasks and set(present) <= set(self.tasks):
            return preference[[self.tasks.index(task) for task in present]]
        self._check_length(present)
        return preference

    def _check_length(self, tasks: Sequence[str]) -> None:
        if self.preference is not None and len(self.preference) != len(tasks):
            raise ShapeError(
                f"`preference` must have one number for each of the {len(tasks)} tasks; found "
                f"{len(self.preference)}. Where tasks may be absent, call `setup` with all of them."
            )
