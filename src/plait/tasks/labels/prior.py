"""The shares of the classes, at which a head starts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError

RAREST = 1e-6  # the share of a class that no label has: its logarithm stays finite


def prior_of(task: str, given: Sequence[float] | None, classes: int) -> list[float] | None:
    """Checks the numbers that a task was given for how often its classes occur.

    Args:
        task: its name.
        given: counts or shares; None if the head starts as it is drawn.
        classes: how many there have to be.

    Raises:
        ConfigError: they are not one for each class, negative, not finite, or all 0.
    """
    if given is None:
        return None
    right = len(given) == classes and all(0 <= each < math.inf for each in given)
    if not right or not sum(given) > 0:
        raise ConfigError(
            f"`prior` of task {task!r} must be {classes} numbers, how often each class occurs, not "
            f"negative and not all 0; found {list(given)}."
        )
    return [float(each) for each in given]


def start_at(layer: nn.Module, prior: Sequence[float] | None) -> None:
    """Sets the bias of a head's last layer to the logarithms of the classes' shares.

    The first predictions are then about the shares, and the first steps learn to tell the classes
    apart; from a bias near 0 they learn that one class is everywhere, and may stay there.

    Args:
        layer: with one output, and one bias, for each class.
        prior: counts or shares of the classes; None does nothing.

    Reference: Lin, Goyal, Girshick, He, Dollar, "Focal Loss for Dense Object Detection", ICCV 2017,
        section 4.1.
    """
    if prior is None:
        return
    bias = layer.bias
    assert isinstance(bias, Tensor)
    counts = torch.tensor(prior, dtype=torch.float64)
    with torch.no_grad():
        bias.copy_((counts / counts.sum()).clamp(min=RAREST).log())
