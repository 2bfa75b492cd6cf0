"""The gradients that go into each backward pass."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge

from plait.gradients.labels.places import Cut
from plait.gradients.labels.ranks import Ranks


class Feed:
    """The gradients at the cuts, parted by pass: one label of each example, at most, in a pass.

    Cuts of one shape are treated together, since there are as many of them as tasks.

    Args:
        cuts: where the tasks' own parts of the graph end.
        gradients: of the sum of all losses there; None where a loss does not depend on it.
        ranks: of the labels.

    Attributes:
        outside: `[T]`, the largest gradient of a task at an example without a label of it; the sum
            of these over its cuts.
    """

    def __init__(
        self, cuts: Sequence[Cut], gradients: Sequence[Tensor | None], ranks: Ranks
    ) -> None:
        self.ranks = ranks
        device = ranks.masks.device
        self.outside = torch.zeros(len(ranks.tasks), dtype=torch.float64, device=device)
        self._groups: list[tuple[list[Cut], list[int], torch.Size, Tensor]] = []
        numbers = {task: number for number, task in enumerate(ranks.tasks)}
        alike: dict[tuple[object, ...], list[tuple[Cut, Tensor]]] = {}
        for cut, gradient in zip(cuts, gradients, strict=True):
            if gradient is not None:
                key = (gradient.shape, gradient.dtype, cut.place)
                alike.setdefault(key, []).append((cut, gradient))
        for pairs in alike.values():
            stacked = torch.stack([cut.place.view(gradient) for cut, gradient in pairs])
            tasks = [numbers[cut.task] for cut, _ in pairs]
            shape = pairs[0][1].shape
            self._groups.append(([cut for cut, _ in pairs], tasks, shape, stacked))
            beside = stacked.abs().amax((1, 3)).masked_fill(ranks.masks[tasks], 0)
            largest = beside.amax(1).to(self.outside)
            place = torch.tensor(tasks, device=largest.device)
            self.outside.index_add_(0, place, largest)

    def wrong(self) -> str | None:
        """Returns a task with a gradient beside its labels; None if there is none.

        It waits for the device. A gradient that is NaN counts as none here.
        """
        found = (self.outside > 0).tolist()
        return next(
            (task for task, is_wrong in zip(self.ranks.tasks, found, strict=True) if is_wrong), None
        )

    def by_task(self) -> list[tuple[GradientEdge, int, Tensor]]:
        """Returns `(edge, task as a number, gradient [B, ...])` of all cuts."""
        return [
            (cut.edge, task, gradient.view(shape))
            for cuts, tasks, shape, stacked in self._groups
            for cut, task, gradient in zip(cuts, tasks, stacked, strict=True)
        ]

    def of(self, number: int) -> tuple[list[GradientEdge], list[Tensor]]:
        """Returns the edges at which a pass starts, and the gradient at each."""
        edges, fed = [], []
        carried = self.ranks.carried[number]
        for cuts, tasks, shape, stacked in self._groups:
            chosen = stacked
            if self.ranks.passes > 1:
                others = self.ranks.rank[tasks] != number
                chosen = stacked.masked_fill(others[:, None, :, None], 0)
            for cut, task, gradient in zip(cuts, tasks, chosen, strict=True):
                if task in carried:
                    edges.append(cut.edge)
                    fed.append(gradient.view(shape))
        return edges, fed
