"""The record of one call of `plait.backward`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from plait.engine.gathered import Gathered
from plait.gradients import lengths as measure
from plait.gradients import norms_and_cosines

PLAIN = (torch.float32, torch.float64)


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
    """

    tasks: tuple[str, ...]
    losses: np.ndarray
    weights: np.ndarray | None = None
    norms: np.ndarray | None = None
    cosines: np.ndarray | None = None
    flag: str | None = None
    skipped: str | None = None
    reused: bool = False
    _lengths: Tensor | None = field(default=None, repr=False, compare=False)
    _places: tuple[tuple[int, int], ...] = field(default=(), repr=False, compare=False)

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
            np.array([float(step.weights[task]) for task in tasks]) if step.weights else None,
            norms,
            cosines,
            step.flag,
            reused=step.reused,
            _lengths=step.lengths if len(step.lengths) == len(step.gradients) else None,
            _places=_places(list(step.gradients.values())),
        )

    def gradient_norm(self, parameters: Sequence[Tensor]) -> Tensor:
        """Returns the length of the whole gradient, a scalar on the device.

        Args:
            parameters: those whose `.grad` was None before the step; the order in which their
                lengths are added up.
        """
        pairs = [(p, p.grad) for p in parameters if p.grad is not None]
        lengths, gradients = self._lengths, [gradient for _, gradient in pairs]
        # Of a copy elsewhere in memory the length may differ in its last bit
        if lengths is not None and pairs and _places(pairs) == self._places:
            known: Tensor = torch.linalg.vector_norm(lengths.to(gradients[0].dtype))
            return known
        kinds = {(each.dtype, each.device, each.layout) for each in gradients}
        if len(kinds) == 1 and kinds <= {(d, gradients[0].device, torch.strided) for d in PLAIN}:
            whole: Tensor = torch.linalg.vector_norm(measure(gradients))
            return whole  # as below, without its groups
        return torch.nn.utils.get_total_norm(gradients)


def _places(pairs: Sequence[tuple[Tensor, Tensor]]) -> tuple[tuple[int, int], ...]:
    """Returns `(id of a parameter, address of its gradient)`; empty where one is sparse."""
    if any(gradient.is_sparse for _, gradient in pairs):
        return ()
    return tuple((id(parameter), gradient.data_ptr()) for parameter, gradient in pairs)


def _values(losses: Mapping[str, float], tasks: tuple[str, ...]) -> np.ndarray:
    return np.array([losses[task] for task in tasks if task in losses])
