"""The rank of each label among those of its example, which is the backward pass it goes into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor


@dataclass(frozen=True)
class Ranks:
    """Puts the labels of a batch into backward passes, at most one label of an example in each.

    In pass j goes the j-th label of every example, counted in the order of the tasks. So as many
    passes are needed as the example with the most labels has, and no fewer would do.

    Attributes:
        tasks: their names, T of them.
        examples: B.
        masks: `[T, B]`, whether an example has a label of a task.
        passes: the most labels of one example; 0 if no example has any.
        task: `[N]`, the task of each label, as a number; ascending, so that the labels of a task
            lie side by side.
        example: `[N]`, the example of each label.
        rank: `[T, B]`, the pass of each label, from 0; -1 where there is none.
        slices: where the labels of each task lie among the N, T of them.
        places: `[n]` for each pass, which of the N labels go in it.
        carried: for each pass, the tasks that have a label in it, as numbers.

    Example:
        >>> masks = {"a": torch.tensor([True, True, False]), "b": torch.tensor([False, True, True])}
        >>> ranks = Ranks.of(masks)
        >>> ranks.passes, ranks.task.tolist(), ranks.example.tolist()
        (2, [0, 0, 1, 1], [0, 1, 1, 2])
        >>> ranks.rank.tolist()
        [[0, 0, -1], [-1, 1, 0]]
    """

    tasks: tuple[str, ...]
    examples: int
    masks: Tensor
    passes: int
    task: Tensor
    example: Tensor
    rank: Tensor
    slices: tuple[slice, ...]
    places: tuple[Tensor, ...]
    carried: tuple[frozenset[int], ...]

    @classmethod
    def of(cls, masks: Mapping[str, Tensor], device: torch.device | None = None) -> Ranks:
        """Ranks the labels on the host, which waits for masks that are on a device.

        Args:
            masks: `{task: [B], bool}`, one task at least.
            device: where the tensors are to be; that of the masks by default.
        """
        stacked = torch.stack(list(masks.values()))
        target = device or stacked.device
        host = stacked.cpu()
        rank = torch.where(host, host.cumsum(0) - 1, -1)
        task, example = host.nonzero(as_tuple=True)
        counts = host.sum(1).tolist()
        stops = accumulate(counts)
        by_label = rank[task, example]
        passes = int(by_label.max()) + 1 if len(task) else 0
        places = [(by_label == number).nonzero().flatten() for number in range(passes)]
        return cls(
            tasks=tuple(masks),
            examples=host.shape[1],
            masks=host.to(target),
            passes=passes,
            task=task.to(target),
            example=example.to(target),
            rank=rank.to(target),
            slices=tuple(slice(b - n, b) for n, b in zip(counts, stops, strict=True)),
            places=tuple(place.to(target) for place in places),
            carried=tuple(frozenset(task[place].tolist()) for place in places),
        )

    @property
    def labels(self) -> int:
        """The number of labels of all tasks, N."""
        return len(self.task)
