"""The record of one call of `plait.backward`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from plait.engine.gathered import Gathered
from plait.gradients import norms_and_cosines


@dataclass(frozen=True)
class Record:
    """Records the result of one call of `plait.backward`.

    Attributes:
        tasks: the tasks present, in the order of everything below.
        losses: their losses, `[T]`.
        weights: what each task's gradient counted, `[T]`; None for a method without weights. That
            of a task that moves no shared parameter is the one of equal weighting. With parameter
            groups, their mean over the groups.
        norms: lengths of the tasks' gradients where the method reads them, `[T]`; None where they
            were not formed.
        cosines: cosines between them, `[T, T]`; None where they were not formed.
        flag: what was out of the ordinary, such as a Pareto-stationary point; None if nothing.
        skipped: why the step is to be skipped (``nonfinite="skip"``); None if it is not. `.grad`
            is then as it was before.
        reused: the weights are those of an earlier step (`every`).
        lengths: `{id of a parameter: length of the gradient that it got}`, scalars on the device;
            empty where a step needed none.
    """

    tasks: tuple[str, ...]
    losses: np.ndarray
    weights: np.ndarray | None = None
    norms: np.ndarray | None = None
    cosines: np.ndarray | None = None
    flag: str | None = None
    skipped: str | None = None
    reused: bool = False
    lengths: Mapping[int, Tensor] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, step: Gathered, skipped: str | None = None) -> Record:
        """Makes the record of a step whose numbers are on the host."""
        tasks = tuple(step.losses)
        if skipped is not None:
            return cls(tasks, _values(step.known_losses, tasks), skipped=skipped)
        tasks = step.tasks or tuple(step.weights) or tasks
        norms = cosines = None
        if step.matrix is not None:
            norms, cosines = norms_and_cosines(step.matrix)
        return cls(
            tasks,
            _values(step.known_losses, tasks),
            step.weights_of(tasks).numpy() if step.weights else None,
            norms,
            cosines,
            step.flag,
            reused=step.reused,
            lengths=dict(zip(step.gradients, step.lengths.unbind(), strict=False)),
        )


def _values(losses: Mapping[str, float], tasks: tuple[str, ...]) -> np.ndarray:
    return np.array([losses[task] for task in tasks if task in losses])
