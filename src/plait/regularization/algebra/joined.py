"""The parameters of all tasks as one matrix, a row for each task."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

BUNDLE = 1 << 18  # numbers of one task that are joined

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


def bundles(groups: Groups) -> list[Groups]:
    """Returns the layers in bundles to be joined: small ones together, a large one alone.

    Joining spares many small operations; joining what is large only copies it.
    """
    found: list[list[Sequence[nn.Parameter]]] = []
    size = BUNDLE
    for layer in groups:
        if size + layer[0].numel() > BUNDLE:
            found.append([])
            size = 0
        found[-1].append(layer)
        size += layer[0].numel()
    return list(found)


def blocks(groups: Groups, per_layer: bool) -> list[Groups]:
    """Returns a block of its own for each layer if `per_layer`, else one block of all layers."""
    return [[layer] for layer in groups] if per_layer else [groups]
