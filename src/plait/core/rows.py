"""The rows of data in a part of a batch, and those that have a label."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import Tensor

from plait.core.batch import Part
from plait.core.structure import PerTask, tensors


def rows_of(part: Part, tasks: Iterable[str]) -> dict[str, int]:
    """Counts the rows of each task in a part, by its labels, or by its inputs if it has none.

    A row is an example. Where inputs differ by task, each task has rows of its own.

    Args:
        part: of a batch.
        tasks: names of all tasks of the model.

    Returns:
        `{task: rows}`; 0 where inputs without any label do not tell, as those of a graph.

    Example:
        >>> import torch
        >>> rows_of(Part(torch.zeros(3, 2), {}, {}), ["a", "b"])
        {'a': 3, 'b': 3}
    """
    if isinstance(part.inputs, PerTask):
        own = {name: _length(each) for name, each in part.inputs.items()}
        own |= {name: _length(each) for name, each in part.targets.items()}
        return {name: own.get(name, 0) for name in tasks}
    return dict.fromkeys(tasks, part.examples if part.targets else _length(part.inputs))


def by_row(labels: Tensor) -> Tensor:
    """Returns `[B]`, whether a row has a label that is True.

    Args:
        labels: bool `[B, ...]`; of a single row, one that is alone.
    """
    return labels.flatten(1).any(1) if labels.dim() > 1 else labels.reshape(-1)


def _length(structure: Any) -> int:
    """Returns the length that all tensors of a structure have; 0 if they differ, as in a graph."""
    found = {len(each) if each.dim() else 0 for each in tensors(structure)}
    return found.pop() if len(found) == 1 else 0
