"""From a preference, as a user writes it, to the tasks' shares."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from plait.core.errors import ConfigError, unknown

Preference = Mapping[str, float]


def shares_of(preference: Preference, tasks: Sequence[str]) -> dict[str, float]:
    """Returns the share of each task in a preference; they add up to 1.

        lambda_t = p_t / sum_s p_s

    Args:
        preference: `{task: p_t}`, at least 0, in multiples of equal weighting: 1 for tasks that are
            not named.
        tasks: the names of all tasks.

    Raises:
        ConfigError: an unknown task; a number that is negative or not finite; 0 for all tasks; or
            tasks that are named alone and count 1, as all others do.

    Example:
        >>> shares_of({"price": 3}, ["price", "kind"])
        {'price': 0.75, 'kind': 0.25}
    """
    for task, number in preference.items():
        if task not in tasks:
            raise ConfigError(unknown("task of `preference`", task, tasks))
        known = isinstance(number, int | float) and not isinstance(number, bool)
        if not (known and 0 <= number < math.inf):
            raise ConfigError(
                f"`preference` must have finite numbers of at least 0; found {number!r} for "
                f"{task!r}."
            )
    given = {task: float(preference.get(task, 1.0)) for task in tasks}
    largest = max(given.values())
    if largest == 0:
        raise ConfigError(
            "`preference` must have a number above 0; found 0 for each of the tasks. Give 1 to "
            "those that count."
        )
    if len(preference) < len(tasks) and set(given.values()) == {1.0}:
        other = next(task for task in tasks if task not in preference)
        raise ConfigError(
            f"`preference` {dict(preference)} prefers nothing, since tasks that are not named "
            f"count 1 as well. Name the others too, as in {other!r}: 0, or leave it out."
        )
    scaled = {task: number / largest for task, number in given.items()}  # their sum is finite
    total = sum(scaled.values())
    return {task: number / total for task, number in scaled.items()}
