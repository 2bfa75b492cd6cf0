"""The record of one call of `plait.backward`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from plait.core.errors import NonFiniteError
from plait.core.lazy_values import names_of
from plait.core.numbers import Numbers
from plait.core.real import as_real
from plait.core.shards import is_shard
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
            is then as it was before, but where a `GradScaler` has scaled the losses: NaN tells it.
        broken: the tasks whose loss or gradient is the reason; empty for a step that is taken, and
            where no task is known to be it.
        reused: the weights are those of an earlier step (`every`).
        passes: the backward passes that it took, in words, with T tasks.
    """

    tasks: tuple[str, ...]
    losses: np.ndarray
    weights: np.ndarray | None = None
    norms: np.ndarray | None = None
    cosines: np.ndarray | None = None
    flag: str | None = None
    skipped: str | None = None
    broken: tuple[str, ...] = ()
    reused: bool = False
    passes: str = field(default="", compare=False)
    _outside: bool = field(default=False, repr=False, compare=False)
    _lengths: Tensor | None = field(default=None, repr=False, compare=False)
    _order: tuple[int, ...] = field(default=(), repr=False, compare=False)

    @classmethod
    def of(
        cls,
        step: Gathered,
        skipped: NonFiniteError | None = None,
        *,
        as_given: bool = False,
        passes: str = "",
    ) -> Record:
        """Makes the record of a step whose numbers are on the host.

        Args:
            step: the step.
            skipped: why it is to be skipped; None if it is not.
            as_given: each `.grad` is the very gradient that was measured, and not a copy of it,
                whose length may differ in its last bit.
            passes: see `Record`.
        """
        tasks: tuple[str, ...] = names_of(step.losses)
        if skipped is not None:
            known = step.known_losses.of(tasks)
            return cls(tasks, known, skipped=str(skipped), broken=skipped.tasks)
        tasks = step.tasks or names_of(step.weights) or tasks
        measured = as_given and len(step.lengths) == len(step.gradients)
        norms = cosines = None
        if step.matrix is not None:
            norms, cosines = norms_and_cosines(step.matrix)
        return cls(
            tasks,
            step.known_losses.of(tasks),
            _weights(step, tasks) if step.weights else None,
            norms,
            cosines,
            step.flag,
            reused=step.reused,
            passes=passes,
            _outside=step.outside,
            _lengths=step.lengths if measured else None,
            _order=tuple(step.gradients),
        )

    def gradient_norm(self, parameters: Sequence[Tensor]) -> Tensor:
        """Returns the length of the whole gradient, a scalar on the device.

        It is exact at any scale: in double precision where single precision may not hold its
        square. The length of a complex gradient is that of its real and imaginary parts.

        Args:
            parameters: those whose `.grad` was None before the step; the order in which their
                lengths are added up.
        """
        reached = [parameter for parameter in parameters if parameter.grad is not None]
        known = None if self._outside else self._lengths
        if known is not None and tuple(map(id, reached)) == self._order:
            last: Tensor = torch.linalg.vector_norm(known.to(reached[0].dtype.to_real()))
            return last
        gradients = [parameter.grad for parameter in reached if parameter.grad is not None]
        kinds = {(each.dtype, each.device, each.layout) for each in gradients}
        # alike, they need none of the groups that torch's own function makes, which knows no others
        alike = len(kinds) == 1 and gradients[0].dtype in PLAIN
        odd = any(each.is_sparse or is_shard(each) for each in gradients)
        if self._outside or alike or odd:
            dtype = torch.float64 if self._outside else torch.float32
            whole: Tensor = torch.linalg.vector_norm(measure(gradients, dtype))
            return whole
        return torch.nn.utils.get_total_norm([as_real(each) for each in gradients])


def _weights(step: Gathered, tasks: tuple[str, ...]) -> np.ndarray:
    if isinstance(step.weights, Numbers):
        return step.weights.of(tasks)
    return np.array([float(step.weights[task]) for task in tasks])
