"""The choice of a step's route."""

from __future__ import annotations

from typing import Any

from plait.balancing.base import (
    BilevelBalancer,
    GramianBalancer,
    JacobianBalancer,
    LossBalancer,
)
from plait.balancing.bases.in_turn import InTurnBalancer
from plait.engine.gathered import Gathered
from plait.engine.label_plan import label_plan_of
from plait.engine.micro_batch import MicroBatch
from plait.engine.one_pass import weighs_losses
from plait.engine.options import reads_one_gramian
from plait.engine.routes.base import Route
from plait.engine.routes.batches import SeveralBatches
from plait.engine.routes.features import AtFeatures
from plait.engine.routes.in_turn import InTurn
from plait.engine.routes.labels import Labels
from plait.engine.routes.last_layer import LastLayer
from plait.engine.routes.layers import Layers, plan_of
from plait.engine.routes.look_ahead import LookAhead
from plait.engine.routes.reused import Reused
from plait.engine.routes.rows import Direction, GramianByGroup, GramianOfRows, MeasuredLosses
from plait.engine.routes.weighted import Constant, Weighted


def choose(step: Gathered, micro: MicroBatch) -> Route[Any]:
    """Returns the route of a step, chosen at its first micro-batch.

    Args:
        step: has the balancer and the options.
        micro: the first micro-batch that has a loss.
    """
    balancer = step.balancer
    if isinstance(balancer, BilevelBalancer):
        return LookAhead(step, balancer)
    if isinstance(balancer, LossBalancer):
        if not weighs_losses(balancer, measure=step.measure, several=step.accumulated):
            return MeasuredLosses(step, balancer)
        return Constant(step, balancer) if balancer.constant else Weighted(step, balancer)
    reused = _reuses(step, micro)
    if isinstance(balancer, GramianBalancer):
        if step.options.at == "features":
            return AtFeatures(step, balancer, reused=reused)
        return (
            Reused(step, balancer, balancer.applied) if reused else _forming(step, balancer, micro)
        )
    assert isinstance(balancer, JacobianBalancer)
    if isinstance(balancer, InTurnBalancer):
        return InTurn(step, balancer)
    return Reused(step, balancer, (1.0,)) if reused else Direction(step, balancer)


def _forming(step: Gathered, balancer: GramianBalancer, micro: MicroBatch) -> Route[Any]:
    """Returns the route that forms the Gramian at the parameters."""
    if balancer.at == "last layer" and not step.several:
        return LastLayer(step, balancer)
    if balancer.groups != "whole":
        return GramianByGroup(step, balancer)
    if balancer.batches > 1:
        return SeveralBatches(step, balancer)
    if not reads_one_gramian(balancer):
        return GramianOfRows(step, balancer)
    by_labels = label_plan_of(step, micro)
    if by_labels is not None:
        return Labels(step, balancer, by_labels)
    plan = plan_of(step, micro)
    return GramianOfRows(step, balancer) if plan is None else Layers(step, balancer, plan)


def _reuses(step: Gathered, micro: MicroBatch) -> bool:
    """Returns whether the weights of an earlier step still serve, for every task of the batch."""
    memory = step.memory
    known = all(task in memory.weights for task in step.present or micro.losses)
    return known and memory.age + 1 < step.options.every
