"""The facts of a step that a balancer is given beside its main argument."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Info:
    """What a balancer is told about the step besides its main argument.

    Attributes:
        tasks: names of the tasks present, in the order of the rows; the engine fills them in.
        losses: their losses `[T]`, detached, if known.
        dtype: in which the inner products of their gradients were computed.
        epoch: the current epoch, from 0.
        progress: the share of the training that is done, in [0, 1].
        learning_rate: of the optimizer's first group.
        group: which of several parameter groups is being solved for; the first one of a call.
    """

    tasks: tuple[str, ...] = ()
    losses: Tensor | None = None
    dtype: torch.dtype = torch.float64
    epoch: int = 0
    progress: float = 0.0
    learning_rate: float = 0.0
    group: int = 0


Reread = Callable[[], Mapping[str, Tensor]]


def informed(gramian: Tensor, info: Info | None) -> Info:
    """Returns `info` with names for the tasks: "0", "1", ... in a call by hand."""
    known = info or Info(dtype=gramian.dtype)
    names = tuple(str(position) for position in range(gramian.shape[-1]))
    return known if known.tasks else replace(known, tasks=names)
