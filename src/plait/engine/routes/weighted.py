"""One backward pass of the weighted sum of the losses."""

from __future__ import annotations

import torch
from torch import Tensor

from plait.balancing.base import LossBalancer
from plait.core.lazy_values import names_of
from plait.engine.micro_batch import MicroBatch
from plait.engine.passes import weighted_pass
from plait.engine.routes.base import Route
from plait.engine.weights import loss_weights, slopes


class Weighted(Route[LossBalancer]):
    """For a method that reads the losses: its weights, then one backward pass."""

    passes = "1, of the weighted sum"

    micro: MicroBatch | None = None  # one of several processes may have no label

    def add(self, micro: MicroBatch) -> None:
        """Keeps the losses, of the whole batch."""
        self.micro = micro

    def settle(self) -> None:
        """Joins the losses of several processes."""
        self.step.join(local=False)

    def solve(self) -> None:
        """Takes the slopes of the method's objective."""
        self.weights = loss_weights(self.step, self.balancer, names_of(self.step.losses))

    def apply(self) -> None:
        """Differentiates the weighted sum."""
        micro, weights, replicas = self.micro, self.weights, self.step.replicas
        if micro is None:
            return
        if replicas is not None:
            weights = replicas.subset(weights, micro.losses)
        weighted_pass(self.step, micro.counted, micro.candidates, weights)


class Constant(Weighted):
    """For weights that depend on no loss: each micro-batch is differentiated as it comes."""

    def add(self, micro: MicroBatch) -> None:
        """Differentiates the weighted sum of a micro-batch."""
        weighted_pass(self.step, micro.counted, micro.candidates, self._weights(micro))

    def solve(self) -> None:
        """The weights are known; of several processes each learns those of all."""
        if self.step.replicas is not None:
            super().solve()

    def _weights(self, micro: MicroBatch) -> Tensor:
        """Returns the weights of a micro-batch, before the losses of other processes are known."""
        step, replicas = self.step, self.step.replicas
        if replicas is None:
            return loss_weights(step, self.balancer, micro.tasks)
        tasks = names_of(step.present)
        any_losses = torch.ones(len(tasks), dtype=torch.float64)
        weights, _ = slopes(step, self.balancer, tasks, any_losses)
        return replicas.subset(weights, micro.losses)

    def apply(self) -> None:
        """The gradients are in the step already."""
