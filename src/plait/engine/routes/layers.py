"""The Gramian from the layers' inputs and output gradients, without a row."""

from __future__ import annotations

from plait.balancing.base import GramianBalancer
from plait.core.errors import NonFiniteError
from plait.engine.evidence import read
from plait.engine.gathered import Gathered
from plait.engine.label_plan import SMALL
from plait.engine.micro_batch import MicroBatch
from plait.engine.passes import differentiate, split
from plait.engine.routes.base import Route
from plait.engine.weights import bound, gramian_weights
from plait.gradients import LayerPlan


class Layers(Route[GramianBalancer]):
    """T half passes that skip every gradient at a weight; then one backward pass.

    Args:
        step: see `Route`.
        balancer: see `Route`.
        plan: of the layers of this step's graph.
    """

    passes = "T half ones without gradients at the weights, then 1, by layers"

    def __init__(self, step: Gathered, balancer: GramianBalancer, plan: LayerPlan) -> None:
        super().__init__(step, balancer)
        self.plan = plan

    def add(self, micro: MicroBatch) -> None:
        """Forms the Gramian of the whole batch; the graph stays."""
        self.micro = micro
        self.found = self.plan.run(micro.losses, self.step.memory.scratch)
        self.step.form(tuple(micro.losses), self.found.multiply)

    def solve(self) -> None:
        """Solves on the host."""
        try:
            read(self.step, self.found.own)
        except NonFiniteError:
            if not self.plan.recover():
                raise
            self.add(self.micro)
            read(self.step, self.found.own)
        self.weights = gramian_weights(self.step, self.balancer, self.plan.dtype)
        self.step.bound = bound(self.step, self.weights)

    def apply(self) -> None:
        """Differentiates the weighted sum at the shared parameters."""
        self.step.collect_own(self.found.own)
        differentiate(self.step, self.micro.losses, self.plan.shared, self.weights)


def plan_of(step: Gathered, micro: MicroBatch) -> LayerPlan | None:
    """Returns the plan of the layers if this route is to be taken; None if rows are cheaper."""
    route = step.options.route
    if route in ("rows", "labels") or micro.shares is not None:
        return None
    if route == "auto" and len(micro.losses) * sum(p.numel() for p in micro.candidates) < SMALL:
        return None
    shared, own = split(step, micro.losses, micro.candidates)
    plan = LayerPlan.of(micro.losses, shared, [*own, *micro.others])
    return plan if route == "layers" or plan.is_cheaper else None
