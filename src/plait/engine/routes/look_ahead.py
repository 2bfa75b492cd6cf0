"""Weights from the losses after a step ahead."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from plait.balancing.base import BilevelBalancer
from plait.balancing.contract.problem import Problem
from plait.core.errors import ConfigError
from plait.core.lazy_values import names_of
from plait.engine.checkpoints import refused_ahead
from plait.engine.joined_problem import JoinedProblem
from plait.engine.micro_batch import MicroBatch
from plait.engine.passes import weighted_pass
from plait.engine.routes.base import Route


class LookAhead(Route[BilevelBalancer]):
    """Asks a bilevel method for weights; then one backward pass of each sum that it weighs."""

    passes = "those of a step ahead, then 1 for each sum that it weighs"

    def add(self, micro: MicroBatch) -> None:
        """Keeps the losses, of the whole batch; one of several processes may have none.

        Raises:
            ConfigError: no problem is given.
        """
        if micro.problem is None:
            raise ConfigError(
                f"{type(self.balancer).__name__} looks ahead to the losses on a second batch. Give "
                "`problem=`, or use the Trainer, which takes two batches in a step."
            )
        self.micro = micro
        self.problem: Problem = micro.problem
        if self.step.replicas is not None:
            self.problem = JoinedProblem(micro.problem, self.step.replicas)

    def settle(self) -> None:
        """Joins the losses of several processes."""
        self.step.join(local=False)

    def solve(self) -> None:
        """Lets the method look ahead; what it reads on its way is its own."""
        step, tasks = self.step, names_of(self.step.losses)
        info = step.informed(tasks, step.values_of(tasks))
        with refused_ahead(type(self.balancer).__name__):
            weights, self.validation = self.balancer.weights(self.problem, info)
        scaled = (weights * step.scale(len(tasks))).tolist()
        step.weights = dict(zip(self.problem.tasks, scaled, strict=True))
        step.flag = self.balancer.flag

    def apply(self) -> None:
        """Differentiates the training losses, and the validation losses if they count."""
        step, micro = self.step, self.micro
        if micro.losses:
            weighted_pass(step, micro.counted, micro.candidates, step.weights_of(micro.losses))
        if self.validation is None:
            return
        losses = self._validation_losses()
        active = {task: loss for task, loss in losses.items() if loss.requires_grad}
        known = [task in active for task in self.problem.tasks]
        if active:
            weights = self.validation[known] * step.scale(len(step.losses))
            weighted_pass(step, active, self._candidates(), weights)

    def _validation_losses(self) -> dict[str, Tensor]:
        """Returns the validation losses at the model's own parameters, as parts of the joined."""
        problem = self.problem
        if isinstance(problem, JoinedProblem):
            return problem.own_val(problem.parameters)
        return dict(zip(problem.tasks, problem.val(problem.parameters), strict=True))

    def _candidates(self) -> Sequence[Tensor]:
        """Returns the parameters that a loss may reach; without any here, those of the model."""
        replicas = self.step.replicas
        return self.micro.candidates if replicas is None else replicas.parameters
