"""Weights of classes: their rule, and those that give every class the same say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from plait.core.errors import ConfigError


def balanced(counts: Sequence[float] | Sequence[Sequence[float]]) -> list[Any]:
    """Weighs classes so that each has the same say in the loss, however rare it is.

        w_c = n / (C n_c)

    with n labels in all, n_c of class c, and C classes that have any. A class without a label has
    weight 1, which is the mean weight of the labels that were counted.

    Args:
        counts: the number of training labels of each class, not negative; of a yes or no, those of
            no and of yes; of several of these, such a pair for each.

    Returns:
        weights in the shape of the counts, as the options `class_weights` take them.

    Raises:
        ConfigError: a count is negative or not finite.

    Reference: King, Zeng, "Logistic Regression in Rare Events Data", Political Analysis 2001; the
        rule of scikit-learn's ``class_weight="balanced"``.

    Example:
        >>> balanced([6, 2, 0])
        [0.6666666666666666, 2.0, 1.0]
        >>> balanced([[3, 1], [2, 2]])
        [[0.6666666666666666, 2.0], [1.0, 1.0]]
    """
    if any(isinstance(count, Sequence) for count in counts):
        return [balanced(each) for each in counts if isinstance(each, Sequence)]
    numbers = [float(count) for count in counts if not isinstance(count, Sequence)]
    if not all(0 <= count < math.inf for count in numbers):
        raise ConfigError(f"counts of classes must be finite and not negative; found {numbers}.")
    total, present = sum(numbers), sum(count > 0 for count in numbers)
    return [total / (present * count) if count > 0 else 1.0 for count in numbers]


def class_weights_of(
    task: str, given: Sequence[float] | None, classes: int, what: str = "one per class"
) -> list[float] | None:
    """Checks the weights that a task was given for its classes, and returns them as numbers.

    Args:
        task: its name.
        given: the weights; None if all classes count alike.
        classes: how many there have to be.
        what: the weights are, for the message.

    Raises:
        ConfigError: they are not one for each class, or negative or not finite.
    """
    if given is None:
        return None
    if len(given) != classes:
        raise ConfigError(
            f"`class_weights` of task {task!r} must have {classes} numbers, {what}; "
            f"found {len(given)}."
        )
    if not all(0 <= weight < math.inf for weight in given):
        raise ConfigError(
            f"`class_weights` of task {task!r} must be finite and not negative; found "
            f"{list(given)}."
        )
    return [float(weight) for weight in given]
