"""One micro-batch of a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from plait.balancing.contract.problem import Problem
from plait.core.lazy_values import names_of
from plait.core.names import Names
from plait.core.outputs import Losses
from plait.gradients import Cut

TaskLosses = Mapping[str, Tensor]  # {task: loss}
Features = Cut | Tensor | Sequence[Tensor]


@dataclass(frozen=True)
class MicroBatch:
    """The losses of one micro-batch, and what else a route needs to differentiate them.

    Attributes:
        losses: `{task: scalar}` of the tasks present.
        candidates: every parameter that they may reach, and that is trained.
        shares: `{task: n / N}`, the part of the task's labels that it holds; None: the whole batch.
        penalties: scalars by name, beside the losses.
        batch: which of several independent batches it belongs to.
        features: the tensors that all heads read, for gradients at the features.
        problem: what a bilevel method may ask about the step.
        others: leaves that the losses reach and that are not trained; each gets the gradient of the
            plain sum of the losses.
        labels: `{task: mask [B], bool}`, which examples have a label; None where it is not known.
    """

    losses: TaskLosses
    candidates: Sequence[Tensor] = ()
    shares: Mapping[str, float] | None = None
    penalties: Mapping[str, Tensor] = field(default_factory=dict)
    batch: int = 0
    features: Features | None = None
    problem: Problem | None = None
    others: Sequence[Tensor] = ()
    labels: Mapping[str, Tensor] | None = None

    @property
    def tasks(self) -> Names:
        """The names of the tasks present."""
        return names_of(self.losses)

    @property
    def counted(self) -> TaskLosses:
        """`{task: loss}`, each times the share that it has in the loss of the whole batch."""
        if self.shares is None:
            return self.losses
        if isinstance(self.losses, Losses):
            return self.losses.times(self.shares)
        return {task: loss * self.shares[task] for task, loss in self.losses.items()}
