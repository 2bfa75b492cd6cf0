"""From the rows of a step to one direction at the shared parameters."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from plait.balancing.base import Balancer, GramianBalancer, JacobianBalancer
from plait.balancing.contract.checks import check_finite
from plait.engine.rows import Groups, RowStep
from plait.engine.step import Parts, Step
from plait.gradients import gramian


def combine(step: Step, rows: RowStep, model: nn.Module | None) -> None:
    """Combines the rows in the way that the balancer reads them, and adds the own gradients."""
    balancer, first = step.balancer, rows.buffers[0]
    applied = factors(balancer)[: len(rows.buffers)]
    if isinstance(balancer, GramianBalancer) and balancer.groups != "whole":
        groups = Groups(first, balancer.groups, model)
        step.collect(first.split(_by_groups(step, rows, groups)))
    elif isinstance(balancer, GramianBalancer):
        weights = solve(step, rows)
        for buffer, factor in zip(rows.buffers, applied, strict=True):
            if factor:
                step.collect(buffer.combine(factor * weights))
    elif isinstance(balancer, JacobianBalancer):
        step.collect(first.split(_by_rows(step, rows, balancer)))
    else:
        measure(step, rows)
        weights = step.loss_weights(rows.tasks)
        step.collect(first.combine(weights))
    for buffer, factor in zip(rows.buffers, applied, strict=True):
        if factor:
            step.collect_own([each for each in buffer.own if each[1] in rows.tasks], factor)


def solve(step: Step, rows: RowStep) -> Tensor:
    """Returns the weights `[T]` of a Gramian method, found once in a step."""
    if not step.weights:
        step.gramian_weights(rows.tasks, rows.gramian(step.layer).cpu(), rows.jacobian().dtype)
    return step.weights_of(rows.tasks)


def apply_known(step: Step, parts: Parts, candidates: Sequence[Tensor], batch: int) -> None:
    """Applies the weights of the step to a batch that forms no rows; tasks without are left out."""
    factor = factors(step.balancer)[batch]
    known = {task: part for task, part in parts.items() if task in step.weights}
    if known and factor:
        step.apply(known, candidates, step.weights_of(known), factor)


def factors(balancer: Balancer) -> tuple[float, ...]:
    """Returns how much the gradients of each batch of a step count in the direction."""
    return balancer.applied if isinstance(balancer, GramianBalancer) else (1.0,)


def measure(step: Step, rows: RowStep) -> None:
    """Notes the inner products of the rows; refuses those that are not finite."""
    step.tasks, step.matrix = rows.tasks, gramian(rows.jacobian()).cpu().numpy()
    check_finite(step.matrix, rows.tasks)


def _by_rows(step: Step, rows: RowStep, balancer: JacobianBalancer) -> Tensor:
    measure(step, rows)
    tasks, jacobian = rows.tasks, rows.jacobian()
    losses = step.values_of(tasks)
    scale = step.scale(len(tasks))
    direction = balancer.combine(jacobian, step.informed(tasks, losses, jacobian.dtype)) * scale
    if balancer.gives_weights:
        assert balancer.last_weights is not None
        weights = (balancer.last_weights * scale).tolist()
        step.weights = dict(zip(tasks, weights, strict=True))
    return direction


def _by_groups(step: Step, rows: RowStep, groups: Groups) -> Tensor:
    jacobian = rows.jacobian()
    matrices = groups.gramians(jacobian).cpu()
    weights = step.gramian_weights(rows.tasks, matrices, jacobian.dtype)
    return groups.direction(weights, jacobian)
