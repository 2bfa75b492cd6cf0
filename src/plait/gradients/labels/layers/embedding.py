"""Embeddings, label by label."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge

from plait.gradients.gramian import gramian
from plait.gradients.labels.layers.base import (
    LabelLayer,
    by_example,
    by_example_shape,
    operands_of,
    shape_of,
    weighed,
)
from plait.gradients.labels.places import Use
from plait.gradients.labels.ranks import Ranks
from plait.gradients.layers.short_row import MOVE

SCRATCH = 1 << 24  # numbers of a block of rows that are held at once
NO_PADDING = 1 << 63  # a padding index from here on is none, which autograd shows without its sign


class Embedding(LabelLayer):
    """The table of an embedding: only the entries that the batch names have a gradient.

    Args:
        operand: that of the table.
        indices: `[B, S]`, the entries that each example names.
        padding: the entry that has no gradient; -1 for none.
    """

    def __init__(self, operand: GradientEdge, indices: Tensor, padding: int) -> None:
        self.operands = [operand]
        self.named, self.places = torch.unique(indices, return_inverse=True)
        self.counts = indices != padding
        self.width = shape_of(operand)[1]
        self.explicit = float(indices.numel() * self.width)

    def operations(self, ranks: Ranks) -> float:
        """Counts the sums by task and entry, and their products."""
        added = ranks.labels * self.places.shape[1] * self.width
        tasks, width = len(ranks.tasks), len(self.named) * self.width
        return float(2 * added + tasks * width * (2 * MOVE + tasks))

    def row(self, found: Tensor, ranks: Ranks, task: int) -> list[Tensor]:
        """Adds up the gradients of the task's labels by entry."""
        own = ranks.slices[task]
        places = self.places[ranks.example[own]]
        return [self._table(self._added(found[own], ranks.example[own], places, 1))]

    def gramian(self, found: Tensor, ranks: Ranks, dtype: torch.dtype) -> Tensor:
        """Adds up by task and entry, some of the columns at a time."""
        tasks, entries = len(ranks.tasks), len(self.named)
        places = self.places[ranks.example] + entries * ranks.task[:, None]
        total = torch.zeros(tasks, tasks, dtype=torch.float64, device=found.device)
        step = max(1, SCRATCH // max(1, tasks * entries))
        for start in range(0, self.width, step):
            part = found[..., start : start + step]
            rows = self._added(part, ranks.example, places, tasks)
            total += gramian(rows.view(tasks, -1), dtype)
        return total

    def weighted(self, found: Tensor, ranks: Ranks, weights: Tensor) -> list[Tensor]:
        """Adds up by entry, each label by the weight of its task."""
        each, places = weighed(found, ranks, weights), self.places[ranks.example]
        return [self._table(self._added(each, ranks.example, places, 1))]

    def _added(self, found: Tensor, example: Tensor, places: Tensor, tasks: int) -> Tensor:
        """Returns the sums `[tasks * entries, columns]` of gradients at places `[n, S]`."""
        flat = found.reshape(places.numel(), found.shape[-1])
        counted = self.counts[example].flatten()
        total = flat.new_zeros(tasks * len(self.named), flat.shape[1])
        return total.index_add_(0, places.flatten(), flat * counted[:, None])

    def _table(self, values: Tensor) -> Tensor:
        """Returns the gradient of the whole table."""
        return values.new_zeros(shape_of(self.operands[0])).index_copy_(0, self.named, values)


def embedding(use: Use) -> Embedding | None:
    """Returns an embedding.

    None where its gradient is sparse, or scaled by how often an entry is named.
    """
    node, place = use.node, use.input
    assert place is not None
    if node._saved_scale_grad_by_freq or node._saved_sparse:
        return None
    indices = node._saved_indices
    if by_example_shape(indices.shape, place) is None:
        return None
    padding = node._saved_padding_idx
    return Embedding(
        operands_of(use)[0],
        by_example(indices, place).flatten(1),
        -1 if padding >= NO_PADDING else padding,
    )
