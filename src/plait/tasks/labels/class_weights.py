"""Weights of classes: their rule, and those that give every class the same say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from plait.core.errors import ConfigError

MOST = 100.0  # times the weight of the most frequent class


def balanced(
    counts: Sequence[float] | Sequence[Sequence[float]], *, power: float = 1.0, most: float = MOST
) -> list[Any]:
    """Weighs classes so that each has the same say in the loss, however rare it is.

        w_c = min((n / (C n_c))^power, most x min_k (n / (C n_k))^power)

    with n labels in all, n_c of class c, and C classes that have any. A class without a label has
    weight 1, which is the mean weight of the labels that were counted (with power 1). The bound
    keeps a class that a millionth of the labels have from drowning all others.

    Args:
        counts: the number of training labels of each class, not negative; of a yes or no, those of
            no and of yes; of several of these, such a pair for each.
        power: 1 gives each class the same say; 1/2 goes half of the way, where a class is so rare
            that it would be found everywhere; 0 weighs all alike.
        most: the largest weight over the smallest; infinity for none.

    Returns:
        weights in the shape of the counts, as the options `class_weights` take them.

    Raises:
        ConfigError: a count is negative or not finite, or an option outside its range.

    Reference: King, Zeng, "Logistic Regression in Rare Events Data", Political Analysis 2001; the
        rule of scikit-learn's ``class_weight="balanced"``, up to the bound.

    Example:
        >>> balanced([6, 2, 0])
        [0.6666666666666666, 2.0, 1.0]
        >>> balanced([[3, 1], [2, 2]])
        [[0.6666666666666666, 2.0], [1.0, 1.0]]
    """
    if any(isinstance(count, Sequence) for count in counts):
        pairs = [each for each in counts if isinstance(each, Sequence)]
        return [balanced(each, power=power, most=most) for each in pairs]
    if not (0 <= power <= 1 and most >= 1):
        raise ConfigError(
            f"`power` must be within 0..1, and `most` at least 1; found {power} and {most}."
        )
    numbers = [float(count) for count in counts if not isinstance(count, Sequence)]
    if not all(0 <= count < math.inf for count in numbers):
        raise ConfigError(f"counts of classes must be finite and not negative; found {numbers}.")
    total, present = sum(numbers), sum(count > 0 for count in numbers)
    found = [(total / (present * count)) ** power if count > 0 else 1.0 for count in numbers]
    there = [weight for weight, count in zip(found, numbers, strict=True) if count > 0]
    bound = most * min(there, default=1.0)
    return [min(weight, bound) for weight in found]


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
