"""Per-task gradients: one row of a `[T, P]` matrix for each task, at the shared parameters."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from plait.core.exponents import weighted
from plait.core.real import as_like, as_real
from plait.core.shards import like, local
from plait.gradients.layout import Layout
from plait.gradients.per_task import Batches, per_task_gradients
from plait.gradients.write import add


class RowBuffer:
    """Holds the matrix J `[T, P]` of per-task gradients of one batch.

    Parameters that one task alone reaches have no columns; their gradients are kept by task. The
    memory lives across steps. Rows of micro-batches are added up until `reset`.

    Args:
        layout: the columns, which grow as parameters turn out to be shared; buffers of several
            batches have one in common.

    Attributes:
        tasks: the tasks with a row, in the order of the rows; empty after `reset`.
    """

    def __init__(self, layout: Layout | None = None) -> None:
        self.layout = layout or Layout()
        self.tasks: list[str] = []
        self._height = 0  # rows that were ever needed at once
        self._own: dict[tuple[int, str], tuple[Tensor, Tensor]] = {}
        self._written: dict[str, set[int]] = {}
        self._reached: dict[int, Tensor] = {}  # holds what it names until the step is done
        self._sparse: set[int] = set()  # those of `_reached` with sparse gradients alone
        self._matrix: Tensor | None = None
        self._places: dict[tuple[int, int], Tensor] = {}  # views of the matrix by row, parameter
        self._batches = Batches()
        self._complete = 0  # gradients without columns that `complete` has put in order

    @property
    def jacobian(self) -> Tensor:
        """J `[T, P]` of the tasks added since `reset`; a view of the buffer."""
        matrix, shared = self._reserve(), self.layout.shared
        for row, task in enumerate(self.tasks):
            written = self._written[task]
            if len(written) < len(shared):
                for parameter in shared:
                    if id(parameter) not in written:
                        matrix[row, self.layout.columns(parameter)] = 0
                written.update(map(id, shared))
        return matrix[: len(self.tasks), : self.layout.width]

    @property
    def own(self) -> list[tuple[Tensor, str, Tensor]]:
        """`(parameter, task, gradient)` of the parameters without columns; empty after `reset`."""
        return [(parameter, key[1], g) for key, (parameter, g) in self._own.items()]

    @property
    def own_of_rows(self) -> list[tuple[Tensor, str, Tensor]]:
        """The part of `own` that `complete` has put in order; empty before it."""
        return self.own[: self._complete]

    @property
    def has_sparse(self) -> bool:
        """Whether a gradient of this step is sparse."""
        return bool(self._sparse) or any(each.is_sparse for _, each in self._own.values())

    def __deepcopy__(self, memo: dict[int, Any]) -> RowBuffer:
        """Copies what was learned, not the rows."""
        return RowBuffer(copy.deepcopy(self.layout, memo))

    def reset(self) -> None:
        """Forgets the rows of the last step; keeps the layout and the memory."""
        self.tasks.clear()
        self._own.clear()
        self._written.clear()
        self._reached.clear()
        self._sparse.clear()
        self._complete = 0
        if self.layout.prune():
            self._matrix = None
            self._places.clear()

    def add(
        self,
        losses: Mapping[str, Tensor],
        candidates: Sequence[Tensor],
        others: Sequence[Tensor] = (),
        *,
        chunk_size: int = 1,
        retain: bool = False,
    ) -> None:
        """Adds the gradients of `losses` to the rows of their tasks; the last pass frees the graph.

        Args:
            losses: `{task: scalar}`; each is differentiated once, with respect to all `candidates`.
            candidates: every parameter that may be reached.
            others: leaves that never have columns.
            chunk_size: tasks that are differentiated at once.
            retain: the last pass keeps the graph as well.
        """
        rows = per_task_gradients(
            losses, [*candidates, *others], chunk_size, batches=self._batches, retain=retain
        )
        self.take(rows, losses, others)

    def take(
        self,
        rows: Iterable[tuple[str, list[tuple[Tensor, Tensor]]]],
        tasks: Iterable[str],
        others: Sequence[Tensor] = (),
    ) -> None:
        """Adds gradients that were formed elsewhere to the rows of their tasks.

        Args:
            rows: `(task, its (parameter, gradient) pairs)`.
            tasks: all those that will come.
            others: as in `add`.
        """
        self._height = max(self._height, len({*self.tasks, *tasks}))
        without = set(map(id, others))
        for task, pairs in rows:
            self._add(task, pairs, without)
            pairs.clear()  # the next pass can have the memory
        self.settle()

    def settle(self) -> None:
        """Moves gradients at parameters that have turned out to be shared into the rows."""
        for (key, task), (parameter, gradient) in list(self._own.items()):
            if parameter in self.layout:
                self._write(task, [(parameter, gradient)])
                del self._own[key, task]

    def sort(self, tasks: Sequence[str]) -> None:
        """Puts the rows in the order of `tasks`; the rows of others follow as they are.

        Micro-batches bring the tasks in an order of their own; the step is that of the joined
        batch, in which a method that draws at random meets them in a fixed order.
        """
        place = {task: position for position, task in enumerate(tasks)}
        order = sorted(
            range(len(self.tasks)), key=lambda row: place.get(self.tasks[row], len(place))
        )
        if order != list(range(len(order))):
            matrix = self.jacobian
            matrix[: len(order)] = matrix[order]
            self.tasks[:] = [self.tasks[row] for row in order]

    def complete(self, reached: Mapping[str, Sequence[Tensor]]) -> None:
        """Makes the buffers of several processes alike, so that they can be added up.

        Each task gets a row, and a gradient at each parameter of its own, zero where this process
        has none; rows, columns and parameters come in one order. The layout has to be that of all.

        Args:
            reached: `{task: parameters that it reaches in any process}`, in one order.
        """
        known, own = self._reached, self._own
        self._height = max(self._height, len({*self.tasks, *reached}))
        for task in reached:
            if task not in self.tasks:
                self.tasks.append(task)
                self._written[task] = set()
        self.sort([*reached])
        self._reached, self._own = {}, {}
        for task, parameters in reached.items():
            for parameter in parameters:
                if parameter in self.layout:
                    self._reached[id(parameter)] = parameter
                else:
                    key = (id(parameter), task)
                    zero = (parameter, torch.zeros_like(parameter))
                    self._own[key] = own.pop(key) if key in own else zero
        self._complete = len(self._own)
        self._reached.update(known)
        self._own.update(own)

    def put_own(self, gradients: Sequence[Tensor]) -> None:
        """Puts others in the place of the gradients in `own_of_rows`."""
        for (key, (parameter, _)), new in zip(list(self._own.items()), gradients, strict=False):
            self._own[key] = (parameter, new)

    def combine(self, weights: Tensor, *, extreme: bool = False) -> list[tuple[Tensor, Tensor]]:
        """Returns `(parameter, gradient)` of ``J^T w``, for parameters that this step reaches.

        Args:
            weights: `[T]`, or fewer, for the first rows.
            extreme: whether single precision does not hold them, which are in double precision.
        """
        jacobian = self.jacobian[: len(weights)]
        if not extreme:
            weights = weights.to(jacobian)
        found = []
        for parameter in self._reached.values():
            rows = jacobian[:, self.layout.columns(parameter)]
            part = local(parameter)
            combined = as_like(weighted(weights, rows, extreme=extreme), part)
            if not part.is_contiguous():  # such as channels_last
                combined = torch.empty_like(part).copy_(combined)
            found.append((parameter, self._in_layout(parameter, combined.to(part.dtype))))
        return found

    def split(
        self, direction: Tensor, parameters: Iterable[Tensor] | None = None
    ) -> list[tuple[Tensor, Tensor]]:
        """Cuts a direction `[P]` into `(parameter, gradient)`.

        Args:
            direction: has all columns.
            parameters: the shared ones that get a gradient; None for those as in `combine`.
        """
        columns, reached = self.layout.columns, self._reached.values()
        return [
            (p, self._in_layout(p, as_like(direction[columns(p)], local(p)).to(p.dtype)))
            for p in (reached if parameters is None else parameters)
        ]

    def release(self) -> None:
        """Gives the memory of the rows back; the next step takes what it needs."""
        self._matrix, self._height = None, 0
        self._places.clear()

    def _in_layout(self, parameter: Tensor, combined: Tensor) -> Tensor:
        """Returns a gradient sparse if each task's is, as optimizers of tables need, or sharded."""
        return combined.to_sparse(1) if id(parameter) in self._sparse else like(combined, parameter)

    def _add(
        self, task: str, pairs: Sequence[tuple[Tensor, Tensor]], without: Collection[int]
    ) -> None:
        """Adds the gradients of a task, in its row or by parameter; some are `without` columns."""
        if task not in self.tasks:
            self.tasks.append(task)
            self._written[task] = set()
        # All columns are known before the first is written, so that the buffer grows once
        shared = [id(p) not in without and self.layout.meet(p, (task,)) for p, _ in pairs]
        self._write(task, [pair for pair, columns in zip(pairs, shared, strict=True) if columns])
        for (parameter, gradient), has_columns in zip(pairs, shared, strict=True):
            if not has_columns:
                known = self._own.get((id(parameter), task))
                total = gradient if known is None else add(known[1], gradient)
                self._own[id(parameter), task] = (parameter, total)

    def _write(self, task: str, pairs: Sequence[tuple[Tensor, Tensor]]) -> None:
        """Adds gradients to the row of a task; those that come first in one call."""
        row, written = self.tasks.index(task), self._written[task]
        places, values = [], []
        for parameter, gradient in pairs:
            if gradient.is_sparse:
                if id(parameter) not in self._reached:
                    self._sparse.add(id(parameter))
                gradient = gradient.to_dense()
            else:
                self._sparse.discard(id(parameter))
            dense = as_real(local(gradient))
            place = self._place(row, parameter)
            if id(parameter) in written:
                place += dense
            else:
                places.append(place)
                values.append(dense)
                written.add(id(parameter))
            self._reached[id(parameter)] = parameter
        if places:
            torch._foreach_copy_(places, values)

    def _place(self, row: int, parameter: Tensor) -> Tensor:
        """Returns the columns of a parameter in a row, in its shape; a view of the buffer."""
        matrix, key = self._reserve(), (row, id(parameter))
        place = self._places.get(key)
        if place is None:
            place = matrix[row, self.layout.columns(parameter)].view(
                as_real(local(parameter)).shape
            )
            self._places[key] = place
        return place

    def _reserve(self) -> Tensor:
        """Returns the buffer, made larger if rows or columns were added."""
        layout, old = self.layout, self._matrix
        if (
            old is None
            or old.shape[0] < self._height
            or old.shape[1] < layout.width
            or old.dtype != layout.dtype
        ):
            new = torch.empty(self._height, layout.width, dtype=layout.dtype, device=layout.device)
            if old is not None:
                used = min(len(self.tasks), len(old))  # a task may have come since
                new[:used, : old.shape[1]] = old[:used]
            self._matrix = new
            self._places.clear()
            return new
        return old
