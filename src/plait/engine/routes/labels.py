"""The Gramian from as many backward passes as an example has labels."""

from __future__ import annotations

from plait.balancing.base import GramianBalancer
from plait.engine.evidence import read
from plait.engine.gathered import Gathered
from plait.engine.label_plan import passes_by_label, split_by_label
from plait.engine.micro_batch import MicroBatch
from plait.engine.routes.base import Route
from plait.engine.routes.rows import GramianOfRows
from plait.engine.weights import bound, gramian_weights
from plait.gradients import LabelGradients, LabelPlan


class Labels(Route[GramianBalancer]):
    """Passes that carry one label of each example, and no pass for the weighted sum.

    Args:
        step: see `Route`.
        balancer: see `Route`.
        plan: of this step's graph.
    """

    found: LabelGradients

    def __init__(self, step: Gathered, balancer: GramianBalancer, plan: LabelPlan) -> None:
        super().__init__(step, balancer)
        self.plan = plan
        self.instead: GramianOfRows | None = None  # where a mask turns out to be wrong
        self.passes = passes_by_label(plan)

    def add(self, micro: MicroBatch) -> None:
        """Differentiates, and forms the Gramian of the whole batch.

        Raises:
            ConfigError: a mask is wrong, and the route was asked for.
        """
        found = split_by_label(self.step, micro, self.plan, micro.losses)
        if found is None:
            self.instead = GramianOfRows(self.step, self.balancer)
            self.instead.add(micro)
            self.passes = self.instead.passes
            return
        self.found = found
        self.passes = passes_by_label(self.plan)  # a hook may have kept it from going row by row
        self.step.collect(found.summed)
        self.step.form(tuple(micro.losses), found.multiply)

    def finish(self) -> None:
        """Ends the step, by rows where a mask was wrong."""
        if self.instead is None:
            super().finish()
        else:
            self.instead.finish()

    def solve(self) -> None:
        """Solves on the host."""
        read(self.step, self.found.own)
        self.weights = gramian_weights(self.step, self.balancer, self.plan.dtype)
        self.step.bound = bound(self.step, self.weights)

    def apply(self) -> None:
        """Weighs the gradients of the labels, and multiplies once at each layer."""
        self.step.collect_own(self.found.own)
        self.step.collect(self.found.weighted(self.weights, extreme=self.step.extreme))
