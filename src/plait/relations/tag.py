"""Affinity of tasks by looking one step ahead (TAG)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from plait.core.errors import ConfigError, DataError, NonFiniteError, unknown
from plait.core.random_state import random_state_kept
from plait.data import batches_of
from plait.model import MultiTaskModel
from plait.relations.conflict import Floats
from plait.relations.probe import Probe, shared_parameters

# From parameters and the gradient at each to the values that a step would give them
StepAhead = Callable[[Sequence[Tensor], Sequence[Tensor]], Sequence[Tensor]]
NOTHING = 1e-12  # a loss this close to 0 has no relative change


@dataclass(frozen=True)
class Affinity:
    """The effect of a step for one task, or group of tasks, on the loss of each task.

    Attributes:
        sources: names of the tasks, or of the groups of tasks, whose step is taken: the rows.
        tasks: names of the tasks whose loss is looked at: the columns.
        values: share of the loss that the step takes away, `[S, T]`, a mean over the batches:
            above 0 the source helps the task, below 0 it harms it. NaN if `counts` is 0.
        counts: the number of batches behind each value, `[S, T]`.
        losses: mean loss of each task before the step, `[T]`; NaN without labels.
    """

    sources: tuple[str, ...]
    tasks: tuple[str, ...]
    values: Floats
    counts: NDArray[np.int64]
    losses: Floats


def tag_affinity(
    model: MultiTaskModel,
    batches: Iterable[Any],
    *,
    lr: float = 0.01,
    step: StepAhead | None = None,
) -> Affinity:
    """Measures the effect of a step for each task on the loss of each other, on the same batch.

        Z_ij = 1 - L_j(theta - lr g_i, phi_j) / L_j(theta, phi_j)

    with the shared parameters theta, the gradient g_i of task i at them, and all other parameters
    phi_j where they are. **Rows are sources, columns are the tasks affected.** Where a loss is
    negative the change is relative to its size, so that above 0 is always better.

    The model stays as it is to the last bit: parameters, running statistics, random generators and
    modes, also after an error. It runs in the mode in which it is: training mode shows what a step
    of the training would do, and dropout drops the same units before and after the step.

    Args:
        model: parameters must be shared.
        batches: a loader or a list of `Batch` objects, or of ``(inputs, {task: labels})``.
        lr: size of the step, above 0. The values grow with it; they are not divided by it.
        step: what an optimizer would do instead of ``theta - lr g``: a function from the shared
            parameters and their gradients to new values, such as
            ``lambda p, g: virtual_step(optimizer, p, p, g)[0]`` of `plait.training`.

    Returns:
        The affinities, `[T, T]`. A pair without a batch that has labels of both is NaN, and so is
        the column of a task whose loss is 0 in all batches.

    Raises:
        ConfigError: the model shares no parameter, or `lr` is not above 0.
        DataError: no batch has a label.
        NonFiniteError: a loss is NaN or infinite, before a step or after it.

    Cost: for each batch T backward passes and T + 1 forward passes; the T gradients are held.

    Reference: Fifty, Amid, Zhao, Yu, Anil, Finn, "Efficiently Identifying Task Groupings for
        Multi-Task Learning", NeurIPS 2021. The authors' code divides by the learning rate as well.

    Example:
        >>> from plait.sharing import Hard
        >>> from plait.tasks import Regression
        >>> inputs, labels = torch.eye(2), torch.tensor([1.0, -1.0])
        >>> model = MultiTaskModel(
        ...     Hard(torch.nn.Linear(2, 1)), [Regression("a"), Regression("b")], example=inputs
        ... )
        >>> found = tag_affinity(model, [(inputs, {"a": labels, "b": labels})], lr=0.1)
        >>> found.values.shape, bool((found.values.diagonal() > 0).all())
        ((2, 2), True)
    """
    groups = {task: (task,) for task in model.tasks}
    return _look_ahead(model, batches, groups, _ahead(lr, step), own=False)


def transference(
    model: MultiTaskModel,
    batches: Iterable[Any],
    groups: Iterable[Sequence[str]],
    *,
    lr: float = 0.01,
    step: StepAhead | None = None,
) -> Affinity:
    """Measures the effect of a step for a group of tasks on the loss of each task.

        Z_Gj = 1 - L_j(theta - lr sum_(i in G) g_i, phi_j) / L_j(theta, phi_j)

    Args:
        model: as in `tag_affinity`.
        batches: likewise.
        groups: the groups, each of names of tasks. In a batch without labels of some of them, the
            step is that of the others.
        lr: as in `tag_affinity`.
        step: likewise.

    Returns:
        The affinities, a row for each group, named "a+b" after its tasks.

    Raises:
        ConfigError: as `tag_affinity`, or a group is empty or has an unknown task.
        DataError: no batch has a label.

    Cost: for each batch T backward passes and a forward pass for each group.

    Reference: Fifty, Amid, Zhao, Yu, Anil, Finn, "Measuring and Harnessing Transference in
        Multi-Task Learning", arXiv 2010.15413, 2020.
    """
    named: dict[str, tuple[str, ...]] = {}
    for group in groups:
        for task in group:
            if task not in model.tasks:
                raise ConfigError(unknown("task", task, model.tasks))
        if not group:
            raise ConfigError("a group of `groups` is empty. Name one task in it at least.")
        named["+".join(group)] = tuple(group)
    return _look_ahead(model, batches, named, _ahead(lr, step), own=False)


def loss_improvement(
    model: MultiTaskModel,
    batches: Iterable[Any],
    *,
    lr: float = 0.01,
    step: StepAhead | None = None,
) -> Affinity:
    """Measures the effect of a whole training step for one task alone on the loss of each.

    As `tag_affinity`, but the step moves all parameters that the task reaches, its head among them,
    as training on this task alone would. The two differ on the diagonal, and where a task reads
    what belongs to another.

    Args:
        model: as in `tag_affinity`.
        batches: likewise.
        lr: likewise.
        step: likewise; of all parameters that the task reaches.

    Raises:
        ConfigError: as `tag_affinity`.
        DataError: no batch has a label.
    """
    groups = {task: (task,) for task in model.tasks}
    return _look_ahead(model, batches, groups, _ahead(lr, step), own=True)


def _ahead(lr: float, step: StepAhead | None) -> StepAhead:
    if step is not None:
        return step
    if not lr > 0:
        raise ConfigError(f"`lr` must be above 0; found {lr}.")
    return lambda parameters, gradients: [
        p - lr * g for p, g in zip(parameters, gradients, strict=True)
    ]


def _look_ahead(
    model: MultiTaskModel,
    batches: Iterable[Any],
    groups: Mapping[str, Sequence[str]],
    step: StepAhead,
    *,
    own: bool,
) -> Affinity:
    """Takes the step of each group on each batch; `own` moves what is not shared as well."""
    tasks, names = tuple(model.tasks), shared_parameters(model)
    moved = [n for n, p in model.named_parameters() if p.requires_grad] if own else names
    total = np.zeros((len(groups), len(tasks)))
    counts = np.zeros((len(groups), len(tasks)), dtype=np.int64)
    sums, seen = np.zeros(len(tasks)), np.zeros(len(tasks))
    with random_state_kept(next(model.parameters()).device):
        for batch in batches_of(batches, model.tasks.values()):
            if not batch.labelled.parts:
                continue
            probe = Probe(model, batch, names)
            before, after = _one_batch(probe, groups, step, moved)
            at = np.array([tasks.index(task) for task in probe.tasks])
            sums[at] += before
            seen[at] += 1
            known = ~np.isnan(after) & (np.abs(before) > NOTHING)
            gains = np.where(known, before - after, 0.0) / np.maximum(np.abs(before), NOTHING)
            total[:, at] += gains
            counts[:, at] += known
    if not seen.any():
        raise DataError("no batch has a label of any task, so no effect can be measured.")
    empty = np.full_like(total, np.nan)
    return Affinity(
        sources=tuple(groups),
        tasks=tasks,
        values=np.divide(total, counts, out=empty, where=counts > 0),
        counts=counts,
        losses=np.divide(sums, seen, out=np.full(len(tasks), np.nan), where=seen > 0),
    )


def _one_batch(
    probe: Probe, groups: Mapping[str, Sequence[str]], step: StepAhead, moved: Sequence[str]
) -> tuple[Floats, Floats]:
    """Returns the losses before, `[T]`, and after the step of each group, `[S, T]`.

    NaN for a group without labels. Of the raw losses: static weights act on the step alone.
    """
    losses = probe.losses()
    before, rows = _numbers(losses.raw, "before a step"), []
    gradients = probe.gradients(losses, moved)
    for source, group in groups.items():
        slopes = [gradients[task] for task in group if task in gradients]
        if not slopes:
            rows.append(np.full_like(before, np.nan))
            continue
        total = reduce(_added, slopes)
        parameters = [probe.parameters[name] for name in total]
        with torch.no_grad():
            values = step(parameters, list(total.values()))
        after = probe.losses(dict(zip(total, values, strict=True))).raw
        rows.append(_numbers(after, f"after the step of {source!r}; take a smaller one"))
    return before, np.stack(rows)


def _added(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Adds gradients by the names of their parameters."""
    both = dict(one)
    for name, gradient in other.items():
        both[name] = both[name] + gradient if name in both else gradient
    return both


def _numbers(losses: Mapping[str, Tensor], when: str) -> Floats:
    """Returns the losses, copied from the device at once; none of them is NaN or infinite."""
    found: Floats = torch.stack([each.detach().double() for each in losses.values()]).cpu().numpy()
    for task, number in zip(losses, found, strict=True):
        if not np.isfinite(number):
            raise NonFiniteError(f"the loss of task {task!r} is {number} {when}.")
    return found
