"""How much each task is to count: one number for each, in the order of `setup`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plait.core.errors import ConfigError, ShapeError


def check_positive(preference: Sequence[float] | None) -> None:
    """Raises `ConfigError` unless all numbers are positive and finite."""
    if preference is not None and not all(0 < p < np.inf for p in preference):
        raise ConfigError(f"`preference` must be positive; found {list(preference)}.")


def check_length(preference: Sequence[float] | None, tasks: Sequence[str]) -> None:
    """Raises `ShapeError` unless there is one number for each task."""
    if preference is not None and len(preference) != len(tasks):
        raise ShapeError(
            f"`preference` must have one number for each of the {len(tasks)} tasks; found "
            f"{len(preference)}. Where tasks may be absent, call `setup` with all of them."
        )


def of_present(
    preference: Sequence[float] | None, present: Sequence[str], tasks: Sequence[str]
) -> np.ndarray:
    """Returns the numbers of the tasks `present`; equal ones by default, which add up to 1.

    Args:
        preference: in the order of `tasks`, or of `present` where these are not known.
        present: the tasks of this step.
        tasks: the tasks of `setup`, if it was called.

    Example:
        >>> of_present([1.0, 2.0, 4.0], ["c", "a"], ["a", "b", "c"]).tolist()
        [4.0, 1.0]
    """
    if preference is None:
        return np.full(len(present), 1.0 / len(present))
    if tasks and set(present) <= set(tasks):
        return np.asarray(preference)[[tasks.index(task) for task in present]]
    check_length(preference, present)
    return np.asarray(preference)
