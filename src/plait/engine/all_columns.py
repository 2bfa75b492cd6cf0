"""All columns of the rows, of which a process holds a part where parameters are sharded."""

from __future__ import annotations

from torch import Tensor

from plait.core.real import real_count
from plait.core.shards import is_shard, local
from plait.distributed.shards import first_row, holders
from plait.gradients import Layout


class AllColumns:
    """Gathers the columns of all processes, for methods that read every coordinate of the rows.

    They come in the order that they have where nothing is sharded; then there is nothing to gather.

    Args:
        layout: the columns of this process.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.width = 0
        self._columns: dict[int, slice] = {}
        for parameter in layout.shared if layout.sharded else ():
            start, self.width = self.width, self.width + real_count(parameter)
            self._columns[id(parameter)] = slice(start, self.width)

    def columns(self, parameter: Tensor) -> slice:
        """Returns the columns of a shared parameter."""
        return self._columns.get(id(parameter)) or self.layout.columns(parameter)

    def gather(self, jacobian: Tensor) -> Tensor:
        """Returns the rows `[T, P]` with the columns of all processes.

        Cost: one collective of ``T P`` numbers, and as much memory.

        Args:
            jacobian: with the columns of this process.
        """
        if not self.layout.sharded:
            return jacobian
        whole = jacobian.new_zeros(len(jacobian), self.width)
        here = holders(self.layout.a_shard)
        for parameter in self.layout.shared:
            if is_shard(parameter) or here.first:
                whole[:, self._own(parameter)] = jacobian[:, self.layout.columns(parameter)]
        here.sum_(whole)
        return whole

    def part(self, direction: Tensor) -> Tensor:
        """Returns the columns of this process, of a direction that has all of them."""
        if not self.layout.sharded:
            return direction
        found = direction.new_empty(self.layout.width)
        for parameter in self.layout.shared:
            found[self.layout.columns(parameter)] = direction[self._own(parameter)]
        return found

    def _own(self, parameter: Tensor) -> slice:
        """Returns the place of this process's columns of a parameter among all columns."""
        columns = self._columns[id(parameter)]
        if not is_shard(parameter):
            return columns
        row = real_count(parameter) // max(len(parameter), 1)
        start = columns.start + first_row(parameter) * row
        return slice(start, start + real_count(local(parameter)))
