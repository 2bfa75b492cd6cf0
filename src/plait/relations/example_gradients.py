"""The gradient of each example's loss at the shared parameters, in few numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from plait.core.batch import Batch, Part
from plait.core.errors import ConfigError, DataError, UnsupportedError, unknown
from plait.core.random_state import random_state_kept
from plait.core.real import as_real, real_count
from plait.core.structure import PerTask, input_of, map_tensors, tensors
from plait.data import batches_of
from plait.gradients import per_task_gradients
from plait.model import MultiTaskModel
from plait.model.losses import task_losses
from plait.networks.modes import evaluating
from plait.relations.probe import shared_parameters
from plait.relations.projection import RandomProjection
from plait.relations.task_gradients import Kind, TaskGradients
from plait.tasks.labels.numbers import NumberLabels

SURE = 1e-6  # a logistic loss below it is that of a margin of 14: single precision holds no more
EXACT = 1e-12  # an error below it is none


def example_gradients(
    model: MultiTaskModel,
    batches: Iterable[Any],
    *,
    directions: int = 200,
    group: int | None = 1,
    seed: int = 0,
    kinds: Mapping[str, Kind] | None = None,
) -> dict[str, TaskGradients]:
    """Computes the gradient of each example's score at the shared parameters, projected.

        v = sqrt(L), of a squared error;  v = -log(exp(L) - 1), of a likelihood

    with the loss L of the example. The second is the margin of a classifier,
    ``log(p / (1 - p))`` of the right class. The model runs in eval mode and stays as it is.

    Args:
        model: a trained one: what is predicted from the gradients is near its parameters.
        batches: a loader or a list of `Batch` objects, or of ``(inputs, {task: labels})``.
        directions: the numbers k that are kept of each gradient, by `RandomProjection`; all of it
            if there are no more parameters.
        group: examples that are taken as one, with their mean loss; 1 by default. None takes each
            batch as it is, as for inputs that cannot be cut into rows.
        seed: of the directions.
        kinds: `{task: "squared" or "logistic"}` for tasks that are other than by default: "squared"
            for regressions, "logistic" for all else. Of a squared error of several numbers the
            length is the score.

    Returns:
        `{task: gradients}` of the tasks with labels.

    Raises:
        ConfigError: the model shares no parameter; an option is out of range.
        UnsupportedError: inputs cannot be cut into rows.
        DataError: no batch has a label, or a loss is negative.

    Cost: for each example a forward pass, and a backward pass for each of its tasks.
    """
    for task in kinds or {}:
        if task not in model.tasks:
            raise ConfigError(unknown("task", task, model.tasks))
    if group is not None and group < 1:
        raise ConfigError(f"`group` must be 1 or more, or None for whole batches; found {group}.")
    names, device = shared_parameters(model), next(model.parameters()).device
    named = dict(model.named_parameters())
    shared = [named[name] for name in names]
    size = sum(map(real_count, shared))
    project = RandomProjection(size, directions, seed=seed, device=device)
    chosen: dict[str, Kind] = {
        name: "squared" if isinstance(task, NumberLabels) else "logistic"
        for name, task in model.tasks.items()
    } | dict(kinds or {})
    found: dict[str, list[tuple[float, Tensor, float, int]]] = {name: [] for name in model.tasks}
    unit = 0
    with evaluating(model), torch.enable_grad(), random_state_kept(device):
        for batch in batches_of(batches, model.tasks.values()):
            for pieces in _units(batch, model, group):
                unit += 1
                for piece in pieces:
                    losses = _losses(model, piece.to(device))
                    for task, pairs in per_task_gradients(losses, shared):
                        score, slope = _score(task, float(losses[task].detach()), chosen[task])
                        row = project(_row(pairs, shared)) * slope
                        found[task].append((score, row, piece.counts[task], unit))
    if not unit:
        raise DataError("no batch has a label of any task, so there is no gradient.")
    return {task: _stacked(chosen[task], rows) for task, rows in found.items() if rows}


def _units(batch: Batch, model: MultiTaskModel, group: int | None) -> Iterator[list[Batch]]:
    """Yields the batches of each unit: one, or one for each task where inputs differ by task."""
    if group is None:
        if batch.labelled.parts:
            yield [batch.labelled]
        return
    for part in batch.labelled.parts:
        shares = [part]
        if isinstance(part.inputs, PerTask):
            shares = [_of_task(part, task) for task in part.tasks]
        lengths = {len(each) if each.dim() else None for s in shares for each in _all_tensors(s)}
        if None in lengths or (len(shares) == 1 and len(lengths) != 1):
            raise UnsupportedError(
                "inputs and labels cannot be cut into rows: their tensors have several lengths. "
                "Give batches of one example, and group=None."
            )
        longest = max(length for length in lengths if length is not None)
        for start in range(0, longest, group):
            cut = [_rows(each, slice(start, start + group), model) for each in shares]
            pieces = [piece for piece in cut if piece is not None and piece.counts]
            if pieces:
                yield pieces


def _all_tensors(part: Part) -> Iterator[Tensor]:
    for structure in (part.inputs, part.targets, part.weights):
        yield from tensors(structure)


def _of_task(part: Part, task: str) -> Part:
    """Returns the part as that of one task, with inputs that are common to it alone."""
    return Part(
        input_of(task, part.inputs),
        {task: part.targets[task]},
        {task: part.counts[task]},
        {task: part.weights[task]} if task in part.weights else {},
    )


def _rows(part: Part, rows: slice, model: MultiTaskModel) -> Batch | None:
    """Returns some rows of a part as a batch, its labels counted; None without rows."""

    def cut(tensor: Tensor) -> Tensor:
        return tensor[rows]

    if not len(next(tensors(part.targets))[rows]):
        return None
    return Batch.of(
        map_tensors(cut, part.inputs),
        map_tensors(cut, part.targets),
        [model.tasks[task] for task in part.tasks],
        weights=map_tensors(cut, part.weights) or None,
    )


def _losses(model: MultiTaskModel, batch: Batch) -> dict[str, Tensor]:
    """Returns the losses, without static weights; in eval mode a pass leaves no trace."""
    outputs = [model(part.inputs, tasks=part.tasks) for part in batch.parts]
    return task_losses(model.tasks, outputs, batch, model.early_weight).raw


def _row(pairs: Sequence[tuple[Tensor, Tensor]], shared: Sequence[Tensor]) -> Tensor:
    """Returns a gradient as one vector, 0 at the parameters that the task does not reach."""
    known = {id(parameter): gradient for parameter, gradient in pairs}
    rows = [known.get(id(each), torch.zeros_like(each)) for each in shared]
    dense = [each.to_dense() if each.is_sparse else each for each in rows]
    return torch.cat([as_real(each).flatten() for each in dense])


def _score(task: str, loss: float, kind: Kind) -> tuple[float, float]:
    """Returns the score of a loss, and its slope by the loss."""
    if not loss >= 0:
        raise DataError(
            f"an example of task {task!r} has the loss {loss}; a score needs one of 0 or more. "
            "Leave the task out."
        )
    if kind == "squared":
        score = loss**0.5
        return score, 0.5 / max(score, EXACT)
    sure = max(loss, SURE)
    # -log(exp(L) - 1), which does not overflow
    return -sure - float(np.log(-np.expm1(-sure))), 1.0 / float(np.expm1(-sure))


def _stacked(kind: Kind, rows: Sequence[tuple[float, Tensor, float, int]]) -> TaskGradients:
    scores, features, masses, units = zip(*rows, strict=True)
    return TaskGradients(
        kind,
        np.array(scores),
        torch.stack(features).numpy(),
        np.array(masses),
        np.array(units),
    )
