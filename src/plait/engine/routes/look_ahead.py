"""Weights from the losses after a step ahead."""

from __future__ import annotations

from plait.balancing.base import BilevelBalancer
from plait.core.errors import ConfigError
from plait.engine.checkpoints import refused_ahead
from plait.engine.micro_batch import MicroBatch
from plait.engine.passes import weighted_pass
from plait.engine.routes.base import Route


class LookAhead(Route[BilevelBalancer]):
    """Asks a bilevel method for weights; then one backward pass of each sum that it weighs."""

    passes = "those of a step ahead, then 1 for each sum that it weighs"

    def add(self, micro: MicroBatch) -> None:
        """Keeps the losses, of the whole batch.

        Raises:
            ConfigError: no problem is given.
        """
        if micro.problem is None:
            raise ConfigError(
                f"{type(self.balancer).__name__} looks ahead to the losses on a second batch. Give "
                "`problem=`, or use the Trainer, which takes two batches in a step."
            )
        self.micro, self.problem = micro, micro.problem

    def solve(self) -> None:
        """Lets the method look ahead; what it reads on its way is its own."""
        step, tasks = self.step, tuple(self.micro.losses)
        info = step.informed(tasks, step.values_of(tasks))
        with refused_ahead(type(self.balancer).__name__):
            weights, self.validation = self.balancer.weights(self.problem, info)
        scaled = (weights * step.scale(len(tasks))).tolist()
        step.weights = dict(zip(self.problem.tasks, scaled, strict=True))
        step.flag = self.balancer.flag

    def apply(self) -> None:
        """Differentiates the training losses, and the validation losses if they count."""
        step, micro = self.step, self.micro
        weighted_pass(step, micro.counted, micro.candidates, step.weights_of(micro.losses))
        if self.validation is None:
            return
        problem, scale = self.problem, step.scale(len(micro.losses))
        losses = dict(zip(problem.tasks, problem.val(problem.parameters), strict=True))
        active = {task: loss for task, loss in losses.items() if loss.requires_grad}
        known = [task in active for task in problem.tasks]
        if active:
            weighted_pass(step, active, micro.candidates, self.validation[known] * scale)
