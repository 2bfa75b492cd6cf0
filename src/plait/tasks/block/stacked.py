"""One tensor of the units of many tasks, made anew when one of them may have changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from plait.tasks.heads.in_units import Unit


class Stacked:
    """Stacks the means, or the scales, of the units of many tasks.

    They are read again when a unit was fitted, loaded or moved, and when the first or the last of
    them was written into. To look at each would cost more than the arithmetic of a step.

    Args:
        holders: what holds the tensors, such as the `_buffers` of units.
        name: of each tensor in its holder.
        shape: that each is spread to.
    """

    def __init__(
        self, holders: Sequence[Mapping[str, Tensor | None]], name: str, shape: Sequence[int]
    ) -> None:
        self.holders = list(holders)
        self.name = name
        self.shape = tuple(shape)
        self._state: tuple[int, ...] = ()
        self._stacked = torch.empty(0)

    def __call__(self) -> Tensor:
        """Returns the tensors as one, `[T, *shape]`."""
        ends = self.holders[0][self.name], self.holders[-1][self.name]
        state = (Unit.changes, *(end._version for end in ends if end is not None))
        if state != self._state:
            tensors = [holder[self.name] for holder in self.holders]
            spread = [each.detach().expand(self.shape) for each in tensors if each is not None]
            self._state, self._stacked = state, torch.stack(spread)
        return self._stacked


def chosen(values: Tensor, rows: Tensor | None) -> Tensor:
    """Returns the rows of a tensor `[T, ...]`; all of it if `rows` is None."""
    return values if rows is None else values.index_select(0, rows)
