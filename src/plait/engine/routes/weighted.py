"""One backward pass of the weighted sum of the losses."""

from __future__ import annotations

from plait.balancing.base import LossBalancer
from plait.engine.micro_batch import MicroBatch
from plait.engine.passes import weighted_pass
from plait.engine.routes.base import Route
from plait.engine.weights import loss_weights


class Weighted(Route[LossBalancer]):
    """For a method that reads the losses: its weights, then one backward pass."""

    passes = "1, of the weighted sum"

    def add(self, micro: MicroBatch) -> None:
        """Keeps the losses, of the whole batch."""
        self.micro = micro

    def solve(self) -> None:
        """Takes the slopes of the method's objective."""
        self.weights = loss_weights(self.step, self.balancer, self.micro.tasks)

    def apply(self) -> None:
        """Differentiates the weighted sum."""
        micro = self.micro
        weighted_pass(self.step, micro.losses, micro.candidates, self.weights)


class Constant(Weighted):
    """For weights that depend on no loss: each micro-batch is differentiated as it comes."""

    def add(self, micro: MicroBatch) -> None:
        """Differentiates the weighted sum of a micro-batch."""
        weights = loss_weights(self.step, self.balancer, micro.tasks)
        weighted_pass(self.step, micro.counted, micro.candidates, weights)

    def solve(self) -> None:
        """The weights are known."""

    def apply(self) -> None:
        """The gradients are in the step already."""
