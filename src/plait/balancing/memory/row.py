"""Memory of one gradient row for each task."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from plait.balancing.memory.task import TaskState
from plait.core.errors import ConfigError
from plait.core.keys import safe_key


class RowState(TaskState):
    """A row `[P]` for each task that lives across steps; P may grow.

    New columns come at the end (`JacobianBalancer.combine`); what is remembered is zero there.

    Example:
        >>> state = RowState()
        >>> state.keep(["a"], [torch.tensor([1.0, 2.0])])
        >>> state.rows(["a", "new"], torch.empty(2, 3))
        [tensor([1., 2., 0.]), tensor([0., 0., 0.])]
    """

    def rows(self, tasks: Iterable[str], jacobian: Tensor) -> list[Tensor]:
        """Returns the row of each task, with the columns, dtype and device of `jacobian`.

        A row may be the one that is remembered: it must not be edited.

        Raises:
            ConfigError: a row has more columns than `jacobian`.
        """
        return [self._row(task, jacobian) for task in tasks]

    def keep(self, tasks: Iterable[str], rows: Iterable[Tensor]) -> None:
        """Remembers the rows themselves, without a copy: nobody else may edit them."""
        for task, row in zip(tasks, rows, strict=True):
            self._values[safe_key(task)] = row.detach()

    def _row(self, task: str, jacobian: Tensor) -> Tensor:
        columns = jacobian.shape[1]
        known = self._values.get(safe_key(task))
        if known is None:
            return jacobian.new_zeros(columns)
        if len(known) > columns:
            raise ConfigError(
                f"`jacobian` must keep its columns from step to step; found {columns} after "
                f"{len(known)} for task {task!r}. Make a new balancer if the model has changed."
            )
        known = known.to(jacobian)
        if len(known) == columns:
            return known
        return torch.cat([known, known.new_zeros(columns - len(known))])
