"""Ways from the losses of a whole batch to gradients that keep no rows at the parameters."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from plait.balancing.base import BilevelBalancer
from plait.balancing.contract.problem import Problem
from plait.core.errors import ConfigError
from plait.engine.step import Parts, Step
from plait.gradients import Cut, FeatureGradients, LayerPlan, gramian, nearest

Features = Cut | Tensor | Sequence[Tensor]


def by_layers(step: Step, parts: Parts, plan: LayerPlan) -> None:
    """Forms the Gramian from the layers' inputs and output gradients; then one backward pass."""
    found = plan.run(parts, step.memory.scratch)
    _weigh(step, parts, found.gramian, plan.dtype)
    step.collect_own(found.own)
    step.differentiate(parts, plan.shared)


def at_last_layer(step: Step, parts: Parts, candidates: Sequence[Tensor]) -> None:
    """Takes the Gramian at the shared weight nearest to the losses; then one backward pass."""
    shared, own = step.split(parts, candidates)
    weight = last_layer(parts, shared)
    if weight is None:  # there is nothing to balance
        step.weigh_equally(parts)
        step.apply(parts, own, step.weights_of(parts))
        return
    rows: list[Tensor] = []
    found: list[tuple[Tensor, str, Tensor]] = []
    for task, part in parts.items():
        row, *rest = torch.autograd.grad(part, [weight, *own], retain_graph=True, allow_unused=True)
        rows.append(torch.zeros_like(weight) if row is None else row.to_dense())
        found += [(p, task, g) for p, g in zip(own, rest, strict=True) if g is not None]
    _weigh(step, parts, gramian(torch.stack(rows).flatten(1)), weight.dtype)
    step.collect_own(found)
    step.differentiate(parts, shared)


def last_layer(parts: Parts, shared: Sequence[Tensor]) -> Tensor | None:
    """Returns the shared weight nearest to the losses; None if nothing is shared."""
    weights = [parameter for parameter in shared if parameter.dim() > 1]
    return nearest(parts.values(), set(map(id, weights or shared)))


def at_features(
    step: Step, parts: Parts, candidates: Sequence[Tensor], features: Features | None
) -> None:
    """Takes the Gramian at the features; then one backward pass through the trunk.

    Weights that are re-used are applied in the same way: a `Cut` leaves no other one.
    """
    if features is None:
        raise ConfigError(
            "at='features' needs the tensor that the heads read. Give `features=`; a "
            "MultiTaskModel in the Trainer gives it by itself."
        )
    if isinstance(features, Tensor):
        features = [features]
    wanted = set(map(id, candidates))
    found = FeatureGradients(parts, features, wanted, step.memory.scratch)
    if not step.reused:
        _weigh(step, parts, found.gramian, found.dtype)
    step.collect_own(found.own)
    heads = {id(parameter) for parameter, _, _ in found.own}
    trunk = [parameter for parameter in candidates if id(parameter) not in heads]
    weights = step.weights_of(parts)
    step.collect(found.trunk(weights, trunk))


def look_ahead(
    step: Step, parts: Parts, candidates: Sequence[Tensor], problem: Problem | None
) -> None:
    """Asks a bilevel method for weights; then one backward pass of what it weighs."""
    balancer = step.balancer
    assert isinstance(balancer, BilevelBalancer)
    name = type(balancer).__name__
    if problem is None:
        raise ConfigError(
            f"{name} looks ahead to the losses on a second batch. Give `problem=`, or use the "
            "Trainer, which takes two batches in a step."
        )
    info = step.informed(parts, step.values_of(list(parts)))
    weights, validation = balancer.weights(problem, info)
    scale = step.scale(len(parts))
    step.weights = dict(zip(problem.tasks, (weights * scale).tolist(), strict=True))
    step.apply(parts, candidates, step.weights_of(parts))
    if validation is not None:
        losses = dict(zip(problem.tasks, problem.val(problem.parameters), strict=True))
        active = {task: loss for task, loss in losses.items() if loss.requires_grad}
        known = [task in active for task in problem.tasks]
        if active:
            step.apply(active, candidates, validation[known] * scale)


def _weigh(step: Step, parts: Parts, matrix: Tensor, dtype: torch.dtype) -> None:
    step.gramian_weights(tuple(parts), matrix.cpu(), dtype)
