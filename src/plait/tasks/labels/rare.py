"""Options for classes that hardly any label has: a defect of a few pixels, a tag of few tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plait.core.errors import ConfigError, suggest
from plait.tasks.labels.class_weights import balanced

RARE = 0.05  # of all labels, that all classes but one have together
POWERS = {"balanced": 1.0, "sqrt": 0.5}  # of the weights of `balanced`
COUNTED = "labels"  # in place of a prior: that of the training labels
OPTIONS: Mapping[str, Any] = {"class_weights": "sqrt", "dice": 1.0, "prior": COUNTED}


def options_for(
    counts: Sequence[float], *, masks: bool = False, background: int | None = 0
) -> dict[str, Any]:
    """Chooses options of a task of masks or tags from how often each class occurs.

    Where one class has more than 95 in 100 labels, predicting it everywhere is so nearly right that
    a training may end there. The classes then get the square root of their balanced weights, and
    soft Dice beside the cross-entropy, and the head starts at how often they occur.

    Args:
        counts: of the labels of each class, pixels or tokens, in the training data.
        masks: whether the task is a `Segmentation`, which is then judged without its background, if
            that is the class that is nearly everywhere.
        background: of the masks; None without any.

    Returns:
        options of `Segmentation` or `Tagging`, whose words `resolved` makes numbers of; empty where
        no class is as frequent, or there is one only.

    Example:
        >>> options_for([998, 2])
        {'class_weights': 'sqrt', 'dice': 1.0, 'prior': 'labels'}
        >>> options_for([60, 40]), options_for([7, 0])
        ({}, {})
    """
    total, most = sum(counts), max(counts, default=0)
    if not 0 < total - most < RARE * total:
        return {}
    everywhere = background in range(len(counts)) and counts[background or 0] == most
    return {**OPTIONS, "foreground": True} if masks and everywhere else dict(OPTIONS)


def resolved(
    task: str, options: Mapping[str, Any], counts: Sequence[float] | Sequence[Sequence[float]]
) -> dict[str, Any]:
    """Makes numbers of the words in a task's options, by how often each class occurs.

    ``class_weights: balanced`` and ``class_weights: sqrt`` (the square root of these, so that a
    class 400 times as rare counts 20 times as much), and ``prior: labels``.

    Args:
        task: its name.
        options: of its class; others stay as they are.
        counts: of the training labels, as `balanced` takes them.

    Raises:
        ConfigError: another word.

    Example:
        >>> resolved("mask", {"class_weights": "sqrt", "prior": "labels"}, [16, 1])["prior"]
        [16, 1]
    """
    found = dict(options)
    weights, prior = options.get("class_weights"), options.get("prior")
    if isinstance(weights, str):
        if weights not in POWERS:
            raise ConfigError(
                f"`class_weights` of task {task!r} must be balanced, sqrt or a number for each "
                f"class; found {weights!r}.{suggest(weights, POWERS)}"
            )
        found["class_weights"] = balanced(counts, power=POWERS[weights])
    if isinstance(prior, str):
        if prior != COUNTED:
            raise ConfigError(
                f"`prior` of task {task!r} must be {COUNTED} or a number for each class; found "
                f"{prior!r}."
            )
        found["prior"] = list(counts)
    return found
