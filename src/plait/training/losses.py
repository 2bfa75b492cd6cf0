"""From a batch to its losses, as often as a step needs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from plait.core.batch import Batch
from plait.core.outputs import Losses, Outputs, Penalties
from plait.core.reduction import Reduction
from plait.distributed import Ranks
from plait.gradients import Cut
from plait.model import MultiTaskModel

Observe = Callable[[Sequence[Outputs], Losses, Batch, Cut | None], None]


class BatchLosses:
    """Computes the losses of batches, each loss times the factor that a schedule gives its task.

    Args:
        model: the model.
        autocast: the context of the forward passes.
        factors: `{task: factor}` in [0, 1]; 1 for the others. A task with factor 0 is left out.
        reduction: "label" multiplies each loss by its task's share of all labels; see
            `Losses.by_label`.
        observe: is shown outputs, losses, batch and cut of each forward pass; None for nobody.
        joint: whether one backward pass of a weighted sum of the losses follows, and nobody looks
            at the graph of single tasks.
    """

    def __init__(
        self,
        model: MultiTaskModel,
        autocast: AbstractContextManager[object],
        factors: Mapping[str, float],
        reduction: Reduction = "task",
        observe: Observe | None = None,
        *,
        joint: bool = False,
    ) -> None:
        self.model = model
        self.autocast = autocast
        self.factors = factors
        self.reduction: Reduction = reduction
        self.observe = observe
        self.joint = joint

    def select(self, batch: Batch) -> Batch:
        """Returns the batch without the labels of frozen tasks and of those with factor 0.

        Parts without a label that counts are left out: their inputs are not run.
        """
        counts = self.model.learning
        if self.factors:
            counts = tuple(task for task in counts if self.factors.get(task, 1.0) > 0)
        return batch.labelled if len(counts) == len(self.model.tasks) else batch.only(counts)

    def __call__(
        self, batch: Batch, cut: Cut | None = None, *, counts: Mapping[str, float] | None = None
    ) -> tuple[list[Outputs], Losses]:
        """Returns the outputs for each part, and the losses of the tasks present.

        Args:
            batch: on the model's device.
            cut: cuts the heads' graphs off from the trunk's; None leaves them whole.
            counts: `{task: n}` of the whole, where the batch is a micro-batch of it.
        """
        with self.autocast, self.model.flow.joint(self.joint):
            outputs = [self.model(part.inputs, tasks=part.tasks, cut=cut) for part in batch.parts]
            losses = self.model.losses(outputs, batch)
        if self.observe is not None:
            self.observe(outputs, losses, batch, cut)
        if self.factors:
            losses = losses.times(self.factors)
        return outputs, losses.by_label(counts) if self.reduction == "label" else losses

    def penalty(
        self, outputs: Sequence[Outputs], *, share: float = 1.0, parameters: bool = True
    ) -> Penalties:
        """Returns the terms beside the losses; see `MultiTaskModel.penalty`."""
        with self.autocast:
            return self.model.penalty(outputs, share=share, parameters=parameters)

    def joined(
        self, batches: Sequence[Batch], counts: Mapping[str, float], here: Ranks
    ) -> dict[str, Tensor]:
        """Returns `{task: scalar}`, the losses of the joined micro-batches, sum(n L) / sum(n).

        Args:
            batches: of this process.
            counts: `{task: n}` over those of all processes.
            here: the processes.
        """
        total: dict[str, Tensor] = {}
        for batch in batches:
            _, losses = self(batch, counts=counts)
            for task, loss in losses.items():
                part = loss * losses.counts[task]
                total[task] = total[task] + part if task in total else part
        means = {task: loss / counts[task] for task, loss in total.items()}
        if here.alone:
            return means
        first = next(self.model.parameters())
        zero = torch.zeros((), dtype=first.dtype, device=first.device)
        (added,) = here.sum([torch.stack([means.get(task, zero).to(zero) for task in counts])])
        return dict(zip(counts, added.unbind(), strict=True))
