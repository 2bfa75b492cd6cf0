"""Refusals of inputs that no method can work on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from plait.core.errors import NonFiniteError, ShapeError


def check_square(gramian: Tensor) -> None:
    """Raises `ShapeError` if `gramian` is not `[..., T, T]`."""
    if gramian.dim() < 2 or gramian.shape[-1] != gramian.shape[-2]:
        raise ShapeError(
            f"`gramian` must be square [..., T, T]; found {list(gramian.shape)}. "
            "Did you pass the Jacobian?"
        )


def check_finite(gramian: np.ndarray, tasks: Sequence[str]) -> None:
    """Raises `NonFiniteError`, naming the tasks, if a Gramian `[..., T, T]` is not finite.

    A Gramian whose diagonal is finite, while an inner product is not, blames no task.
    """
    if np.isfinite(gramian).all():
        return
    norms = np.diagonal(gramian, axis1=-2, axis2=-1).reshape(-1, gramian.shape[-1])
    broken = np.flatnonzero(~np.isfinite(norms).all(axis=0)).tolist()
    names = ", ".join(repr(tasks[position]) for position in broken)
    raise NonFiniteError(
        f"the gradient of task {names or '(unknown)'} is not finite; nothing was changed. Lower "
        "the learning rate, clip gradients, or check the task's loss for divisions and logarithms.",
        [tasks[position] for position in broken],
    )


def check_lookahead(values: np.ndarray, tasks: Sequence[str]) -> None:
    """Raises `NonFiniteError`, naming the tasks, if a look-ahead's `values` are not finite.

    Args:
        values: `[T, ...]`, losses or gradients after the step ahead.
        tasks: the names of the T tasks.
    """
    finite = np.isfinite(values.reshape(len(tasks), -1)).all(axis=1)
    if not finite.all():
        broken = [task for task, fine in zip(tasks, finite, strict=True) if not fine]
        raise NonFiniteError(
            f"the losses or gradients of task {', '.join(map(repr, broken))} are not finite after "
            "the step ahead; nothing was changed. Lower the learning rate or the inner step.",
            broken,
        )
