"""The weights of an earlier step."""

from __future__ import annotations

from plait.balancing.base import Balancer
from plait.core.exponents import are_extreme
from plait.engine.gathered import Gathered
from plait.engine.micro_batch import MicroBatch
from plait.engine.passes import known_pass
from plait.engine.routes.base import Route


class Reused(Route[Balancer]):
    """One backward pass with the weights that were found some steps ago (`every`).

    Args:
        step: see `Route`.
        balancer: see `Route`.
        applied: how much the gradients of each independent batch count.
    """

    passes = "1, by the weights of an earlier step"

    def __init__(self, step: Gathered, balancer: Balancer, applied: tuple[float, ...]) -> None:
        super().__init__(step, balancer)
        self.applied = applied
        step.reused = True

    def add(self, micro: MicroBatch) -> None:
        """Differentiates the weighted sum of a micro-batch; tasks without a weight are left out."""
        recall(self.step)
        known_pass(self.step, micro, self.applied[micro.batch])

    def solve(self) -> None:
        """The weights are known; one of several processes that has no label learns them here."""
        if not self.step.weights:
            recall(self.step)

    def apply(self) -> None:
        """The gradients are in the step already."""


def recall(step: Gathered) -> None:
    """Takes the weights of an earlier step; equal weighting for a task that had none."""
    known, equal = step.memory.weights, step.equal(len(step.present))
    step.weights = {task: known.get(task, equal) for task in step.present}
    step.extreme = are_extreme(map(float, step.weights.values()))
