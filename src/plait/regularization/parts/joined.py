"""The parameters of all tasks as one matrix, a row for each task."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

Groups = Sequence[Sequence[nn.Parameter]]  # for each layer, the parameters of all tasks


def joined(groups: Groups) -> Tensor:
    """Returns the parameters as rows, `[T, P]`, with a graph; half-precision ones in float32.

    Args:
        groups: for each layer, the parameters of all T tasks in order.

    Example:
        >>> layers = [[nn.Parameter(torch.full((2,), float(task))) for task in (1, 2)]] * 2
        >>> joined(layers).tolist()
        [[1.0, 1.0, 1.0, 1.0], [2.0, 2.0, 2.0, 2.0]]
    """
    tasks = len(groups[0])
    flat = [layer[task].reshape(-1) for task in range(tasks) for layer in groups]
    rows = torch.cat(flat).view(tasks, -1)
    return rows.to(torch.promote_types(rows.dtype, torch.float32))


def write(groups: Groups, rows: Tensor) -> None:
    """Sets the parameters to the rows `[T, P]`, in place and without a graph."""
    sizes = [layer[0].numel() for layer in groups]
    with torch.no_grad():
        for task, row in enumerate(rows):
            parts = row.split(sizes)
            for layer, part in zip(groups, parts, strict=True):
                layer[task].copy_(part.view_as(layer[task]))


def blocks(groups: Groups, per_layer: bool) -> list[Groups]:
    """Returns one block for each layer, or one of all layers."""
    return [[layer] for layer in groups] if per_layer else [groups]
