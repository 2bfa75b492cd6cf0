"""The weights of a step, on the chosen scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from plait.balancing.base import GramianBalancer, LossBalancer
from plait.core.exponents import are_extreme
from plait.core.lazy_values import names_of
from plait.engine.gathered import Gathered


def loss_weights(step: Gathered, balancer: LossBalancer, tasks: Sequence[str]) -> Tensor:
    """Returns the weights `[T]` of a loss method, on the device of the losses.

    The parameters that the method learns get their gradients on the way.
    """
    weights, learned = slopes(step, balancer, tasks, step.values_of(tasks))
    step.collect(learned)
    step.new_weights.append((names_of(tasks), weights))
    step.flag = balancer.flag
    return weights


def slopes(
    step: Gathered, balancer: LossBalancer, tasks: Sequence[str], losses: Tensor
) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    """Returns the weights `[T]` of a loss method, and the gradients of what it learns.

    Args:
        step: the step.
        balancer: the method.
        tasks: T of them.
        losses: `[T]`.
    """
    weights, learned = balancer.slopes(losses, step.informed(tasks, losses))
    scale = step.scale(len(losses))
    return weights if scale == 1.0 else weights * scale, learned


def gramian_weights(
    step: Gathered, balancer: GramianBalancer, dtype: torch.dtype, *, exact: bool = False
) -> Tensor:
    """Returns the weights `[T]` of a Gramian method on the host, or `[G, T]` of G groups.

    A task that moves nothing shared gets the weight of equal weighting, for its head.

    Args:
        step: its Gramian has been read.
        balancer: the method.
        dtype: of the rows.
        exact: whether their products were formed in float64.
    """
    tasks, matrix = step.tasks, step.matrix
    assert matrix is not None
    losses = torch.tensor(step.known_losses.of(tasks))
    losses = losses.to(step.values_of(tasks).dtype)
    info = step.informed(tasks, losses, dtype)
    if exact:
        info = replace(info, dtype=torch.float64, rows=info.dtype)
    weights = balancer.weights(torch.from_numpy(matrix), info) * step.scale(len(tasks))
    step.matrix = matrix if matrix.ndim == 2 else matrix.sum(axis=0)
    mean = weights if weights.dim() == 1 else weights.mean(dim=0)
    active = balancer.active(step.matrix)
    if not active.all():
        mean = mean.masked_fill(torch.from_numpy(~active), step.equal(len(tasks)))
    step.weights = dict(zip(tasks, mean.tolist(), strict=True))
    step.extreme = are_extreme(weights.flatten().tolist())
    step.flag = balancer.flag
    return mean if weights.dim() == 1 else weights


def bound(step: Gathered, weights: Tensor) -> float:
    """Returns a length that the gradient of the step does not exceed, by the triangle inequality.

    Args:
        step: the lengths of its rows and of all other gradients have been read.
        weights: `[T]` of the rows, or `[G, T]` of G groups.
    """
    each = weights.abs().reshape(-1, len(step.tasks)).numpy()
    largest = each.max(axis=0, initial=0.0).tolist()
    by_task = dict(zip(step.tasks, largest, strict=True))
    shared = sum(w * length for w, length in zip(largest, step.rows.tolist(), strict=True))
    own = sum(max(by_task.get(task, 1.0), 1.0) * length for task, length in step.own_lengths)
    return float(shared + own + step.other_lengths)
