"""The facts of a step that a balancer is given beside its main argument."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Info:
    """Names the tasks of a step and tells how far the training has come.

    The engine fills it in; in a call by hand every field may be left out.

    Attributes:
        tasks: names of the tasks present, in the order of the rows; empty if unknown. A method that
            remembers something then takes row i for the same task in every call: name the tasks, or
            make a new balancer for others.
        losses: losses `[T]` of these tasks, detached; None if unknown.
        dtype: dtype in which the inner products of the gradients were computed.
        rows: dtype of the gradients themselves, where that of the products is wider.
        epoch: number of the current epoch, from 0; None if unknown. Methods that act on it count
            an unknown one as 0 in a call by hand; `plait.backward` refuses it for them.
        progress: share of the training that is done, in [0, 1].
        learning_rate: learning rate of the optimizer's first group; 0 if unknown.
        group: number, from 0, of the first parameter group of this call.
    """

    tasks: tuple[str, ...] = ()
    losses: Tensor | None = None
    dtype: torch.dtype = torch.float64
    rows: torch.dtype | None = None
    epoch: int | None = None
    progress: float = 0.0
    learning_rate: float = 0.0
    group: int = 0


def epoch_of(info: Info | None) -> int:
    """Returns the number of the epoch; 0 in a call by hand that does not say it."""
    return 0 if info is None or info.epoch is None else info.epoch


Reread = Callable[[], Mapping[str, Tensor]]


def informed(gramian: Tensor, info: Info | None) -> Info:
    """Returns `info` with a name for each task: "0", "1", ... where it has none.

    Args:
        gramian: `[..., T, T]`; its dtype is taken if `info` is None.
        info: the facts of the step, if there are any.
    """
    known = info or Info(dtype=gramian.dtype)
    names = tuple(str(position) for position in range(gramian.shape[-1]))
    return known if known.tasks else replace(known, tasks=names)
