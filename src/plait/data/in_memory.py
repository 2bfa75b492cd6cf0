"""Tables in memory, cut into batches by index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import torch
from torch import Tensor
from torch.utils.data import Dataset

from plait.core.errors import DataError

Example = tuple[Any, dict[str, Any]]


@dataclass(frozen=True)
class Rows(Sequence[Example]):
    """Some rows of the tables of `InMemory`: examples for any collation, tables for plait's.

    Attributes:
        inputs: `[B, ...]`.
        targets: `{task: labels [B, ...]}`.
    """

    inputs: Tensor
    targets: dict[str, Tensor]

    def __len__(self) -> int:
        return len(self.inputs)

    @overload
    def __getitem__(self, row: int) -> Example: ...

    @overload
    def __getitem__(self, row: slice) -> Rows: ...

    def __getitem__(self, row: int | slice) -> Example | Rows:
        inputs = self.inputs[row]
        targets = {task: labels[row] for task, labels in self.targets.items()}
        return Rows(inputs, targets) if isinstance(row, slice) else (inputs, targets)


def groups_of_examples(groups: Any, examples: int) -> Tensor | None:
    """Returns the groups of examples as a tensor; None if there are none.

    Raises:
        DataError: they are not one number for each example.
    """
    found = None if groups is None else torch.as_tensor(groups)
    if found is not None and found.shape != (examples,):
        raise DataError(
            f"`groups` must be one number for each of {examples} examples; found "
            f"{list(found.shape)}."
        )
    return found


class InMemory(Dataset[Example]):
    """A data set of tensors held in memory; arrays of NumPy become tensors, without a copy.

    Args:
        inputs: `[N, ...]`.
        targets: `{task: labels [N, ...]}`.
        groups: `[N]`, equal for examples that belong together, such as those of one patient; a
            bootstrap over the examples draws them together.

    Raises:
        DataError: a task has not as many labels, or `groups` as many numbers, as there are
            examples.

    Example:
        >>> data = InMemory(torch.zeros(3, 2), {"y": torch.tensor([0, 1, 2])})
        >>> data[2][1]
        {'y': tensor(2)}
    """

    def __init__(self, inputs: Tensor, targets: Mapping[str, Tensor], groups: Any = None) -> None:
        for task, labels in targets.items():
            if len(labels) != len(inputs):
                raise DataError(
                    f"task {task!r} has {len(labels)} labels for {len(inputs)} examples."
                )
        self.inputs = torch.as_tensor(inputs)
        self.targets = {task: torch.as_tensor(labels) for task, labels in targets.items()}
        self.groups = groups_of_examples(groups, len(inputs))

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> Example:
        return self.inputs[index], {task: labels[index] for task, labels in self.targets.items()}

    def __getitems__(self, indices: Sequence[int]) -> Sequence[Example]:
        """Returns the examples of a batch; a loader of torch asks for all of them at once."""
        if type(self).__getitem__ is not InMemory.__getitem__:
            return [self[index] for index in indices]  # a subclass has examples of its own making
        rows = torch.as_tensor(indices, dtype=torch.long)
        return Rows(
            self.inputs.index_select(0, rows),
            {task: labels.index_select(0, rows) for task, labels in self.targets.items()},
        )
