"""Backward passes of weighted sums of losses."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

import torch
from torch import Tensor

from plait.engine.checkpoints import is_reentrant, whole_pass
from plait.engine.gathered import Gathered
from plait.engine.micro_batch import MicroBatch, TaskLosses
from plait.gradients import joint_gradients, nearest, reached_by, roots

Reached = tuple[Tensor, tuple[str, ...]]  # (leaf, tasks that reach it)


def weighted_pass(
    step: Gathered,
    losses: TaskLosses,
    candidates: Sequence[Tensor],
    weights: Tensor,
    factor: float = 1.0,
) -> None:
    """Runs the backward pass of the weighted sum; heads of unit weight get theirs first.

    So do the leaves that are not trained.

    Args:
        step: gets the gradients.
        losses: `{task: scalar}`; their graph is freed.
        candidates: every parameter that may be reached.
        weights: `[T]`, in the order of `losses`.
        factor: how much all of it counts, at the heads too.
    """
    known = step.memory.trained
    if known.reentrant and step.heads_by_task:
        whole_pass(step, losses, [*candidates, *step.others.values()], weights * factor)
        return
    try:
        _two_passes(step, losses, candidates, weights, factor)
    except RuntimeError as error:
        known.reentrant = known.reentrant or is_reentrant(error)  # it came after the first step
        raise


def _two_passes(
    step: Gathered,
    losses: TaskLosses,
    candidates: Sequence[Tensor],
    weights: Tensor,
    factor: float,
) -> None:
    """Differentiates at what has unit weight, if there is anything, and then at the rest."""
    shared: Sequence[Tensor] = candidates
    own: list[Tensor] = []
    others = [*step.others.values()]
    if not step.heads_by_task:
        shared, own = split(step, losses, candidates)
    if factor == 1.0:
        own, others = own + others, []
    if own:
        differentiate(step, losses, own, torch.full_like(weights, factor), retain=True)
    if others:
        differentiate(step, losses, others, torch.ones_like(weights), retain=True)
    differentiate(step, losses, shared, weights if factor == 1.0 else weights * factor)


def known_pass(step: Gathered, micro: MicroBatch, factor: float) -> None:
    """Runs the backward pass of a micro-batch by the weights of the step, of tasks that have one.

    Args:
        step: gets the gradients.
        micro: the micro-batch.
        factor: how much all of it counts, at the heads too.
    """
    losses = {task: loss for task, loss in micro.counted.items() if task in step.weights}
    if losses and factor:
        weighted_pass(step, losses, micro.candidates, step.weights_of(losses), factor)


def differentiate(
    step: Gathered,
    losses: TaskLosses,
    parameters: Sequence[Tensor],
    weights: Tensor,
    *,
    retain: bool = False,
) -> None:
    """Adds the gradients of the sum of `losses`, times `weights` `[T]`, to those of the step."""
    if parameters:
        retain = retain or step.retain_graph
        step.collect_local(
            joint_gradients(roots(losses), parameters, weights, retain=retain, extreme=step.extreme)
        )


def split(
    step: Gathered, losses: TaskLosses, candidates: Sequence[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """Returns the shared parameters among the candidates, and those that one task reaches."""
    shared, own = _parted(step, reached_by(losses), set(map(id, candidates)))
    return shared, [parameter for parameter, _ in own]


def reached(
    step: Gathered, leaves: Iterable[Reached], candidates: Sequence[Tensor]
) -> tuple[list[Tensor], list[Reached]]:
    """Returns the shared parameters among the candidates, and the others with their tasks.

    They come in the order of the candidates, which is that of the columns of their rows. Several
    tasks reach one of the others where the caller names the shared ones, or where it is not
    trained.

    Args:
        step: knows what is trained, and the shared parameters that are named.
        leaves: with the tasks that reach them.
        candidates: every parameter that may be reached.
    """
    order = {id(parameter): number for number, parameter in enumerate(candidates)}
    found = [each for each in leaves if id(each[0]) in order]
    found.sort(key=lambda each: order[id(each[0])])
    return _parted(step, found, order)


def _parted(
    step: Gathered, found: Iterable[Reached], wanted: Container[int]
) -> tuple[list[Tensor], list[Reached]]:
    layout = step.memory.rows.layout
    shared: list[Tensor] = []
    own: list[Reached] = []
    for parameter, tasks in found:
        if id(parameter) not in wanted:
            continue
        if id(parameter) not in step.others and layout.meet(parameter, tasks):
            shared.append(parameter)
        else:
            own.append((parameter, tasks))
    return shared, own


def last_layer(losses: Iterable[Tensor], shared: Sequence[Tensor]) -> Tensor | None:
    """Returns the shared weight nearest to the losses; None if nothing is shared."""
    weights = [parameter for parameter in shared if parameter.dim() > 1]
    return nearest(losses, set(map(id, weights or shared)))
