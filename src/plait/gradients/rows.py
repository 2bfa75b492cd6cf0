"""Per-task gradients: one row of a `[T, P]` matrix for each task, at the shared parameters."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import TensorWeakRef, WeakTensorKeyDictionary

from plait.gradients.write import add


@dataclass
class OwnGradients:
    """The gradients at a parameter that has no columns in J: of the one task that reaches it."""

    parameter: Tensor
    by_task: dict[str, Tensor] = field(default_factory=dict)


class RowBuffer:
    """The matrix J of per-task gradients, and what was learned of the graph.

    A parameter that two tasks reach, in any steps so far, is shared and has columns in J; the
    others belong to the task that reaches them. The buffer lives across steps, but keeps no
    parameter alive: the columns of one that is gone are given up at the next step. Rows of
    micro-batches are added up until `reset`.

    Args:
        given: shared parameters that the caller names; None finds them.
        known: shared parameters that were found earlier, in the order of their columns.
        owners: `(parameter, task)` of the others that were found earlier.

    Attributes:
        tasks: the tasks with a row, in the order of the rows.
        own: gradients at the parameters that are not shared, by the parameter's id.
    """

    def __init__(
        self,
        given: Sequence[Tensor] | None = None,
        known: Iterable[Tensor] = (),
        owners: Iterable[tuple[Tensor, str]] = (),
    ) -> None:
        self.given = None if given is None else list(given)
        self.tasks: list[str] = []
        self.own: dict[int, OwnGradients] = {}
        self._owners: MutableMapping[Tensor, str] = WeakTensorKeyDictionary()
        for parameter, task in owners:
            self._owners[parameter] = task
        self._lay_out(known if self.given is None else self.given)

    @property
    def shared(self) -> list[Tensor]:
        """The shared parameters that are still there, in the order of their columns."""
        return [parameter for each in self._shared if (parameter := each()) is not None]

    @property
    def owners(self) -> list[tuple[Tensor, str]]:
        """`(parameter, task)` of the parameters that one task alone has reached so far."""
        return [(p, task) for p, task in self._owners.items() if id(p) not in self._columns]

    @property
    def jacobian(self) -> Tensor:
        """J `[T, P]` of the tasks added since `reset`; a view of the buffer."""
        return self._reserve()[: len(self.tasks), : self._width]

    def __deepcopy__(self, memo: dict[int, Any]) -> RowBuffer:
        """Copies what was learned; copied with its model, it knows the parameters of the copy."""
        return RowBuffer(*copy.deepcopy((self.given, self.shared, self.owners), memo))

    def reset(self) -> None:
        """Forgets the rows of the last step; keeps the layout and the memory."""
        self.tasks.clear()
        self.own.clear()
        self._reached.clear()
        alive = self.shared
        if len(alive) < len(self._shared):
            self._lay_out(alive)

    def add(self, losses: Mapping[str, Tensor], candidates: Sequence[Tensor]) -> None:
        """Adds the gradients of `losses` to the rows of their tasks; the last frees the graph.

        Args:
            losses: `{task: scalar}`; each is differentiated once, with respect to all `candidates`.
            candidates: every parameter that may be reached.
        """
        for position, (task, loss) in enumerate(losses.items()):
            last = position + 1 == len(losses)
            gradients = torch.autograd.grad(
                loss, candidates, retain_graph=not last, allow_unused=True
            )
            row = self._row(task)
            for parameter, gradient in zip(candidates, gradients, strict=True):
                if gradient is None:
                    continue
                if id(parameter) in self._columns:
                    self._write(row, parameter, gradient)
                else:
                    own = self.own.setdefault(id(parameter), OwnGradients(parameter)).by_task
                    own[task] = add(own[task], gradient) if task in own else gradient
        if self.given is None:
            self._share()

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
            matrix = self._reserve()
            matrix[: len(order)] = matrix[order]
            self.tasks[:] = [self.tasks[row] for row in order]

    def split(self, direction: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Cuts a direction `[P]` into `(parameter, gradient)` where a task of this step reaches."""
        return [
            (p, direction[self._columns[position]].view_as(p).to(p.dtype))
            for position, p in self._reached.items()
        ]

    def _share(self) -> None:
        """Gives columns to the parameters that a second task was seen to reach."""
        found = []
        for own in self.own.values():
            first = self._owners.setdefault(own.parameter, next(iter(own.by_task)))
            if any(task != first for task in own.by_task):
                found.append(own)
        for own in found:
            self._add_columns(own.parameter)
            del self.own[id(own.parameter)]
        for own in found:
            for task, gradient in own.by_task.items():
                self._write(self._row(task), own.parameter, gradient)

    def _row(self, task: str) -> int:
        if task not in self.tasks:
            self.tasks.append(task)
            self._reserve()[len(self.tasks) - 1].zero_()
        return self.tasks.index(task)

    def _write(self, row: int, parameter: Tensor, gradient: Tensor) -> None:
        dense = gradient.to_dense() if gradient.is_sparse else gradient
        self._reserve()[row, self._columns[id(parameter)]] += dense.reshape(-1)
        self._reached[id(parameter)] = parameter

    def _lay_out(self, parameters: Iterable[Tensor]) -> None:
        """Starts the columns anew."""
        self._shared: list[TensorWeakRef] = []
        self._columns: dict[int, slice] = {}
        self._reached: dict[int, Tensor] = {}  # holds what it names until the step is done
        self._width = 0
        self._dtype: torch.dtype | None = None
        self._matrix: Tensor | None = None
        for parameter in parameters:
            if id(parameter) not in self._columns:
                self._add_columns(parameter)

    def _add_columns(self, parameter: Tensor) -> None:
        start, self._width = self._width, self._width + parameter.numel()
        self._shared.append(TensorWeakRef(parameter))
        self._columns[id(parameter)] = slice(start, self._width)
        known = self._dtype or parameter.dtype
        self._dtype = torch.promote_types(known, parameter.dtype)
        self._device = parameter.device

    def _reserve(self) -> Tensor:
        """Returns the buffer, made larger if rows or columns were added; new entries are zero."""
        rows, old = max(len(self.tasks), 1), self._matrix
        if (
            old is None
            or old.shape[0] < rows
            or old.shape[1] < self._width
            or old.dtype != self._dtype
        ):
            height = rows if old is None else max(rows, old.shape[0])
            device = self._device if self._width else None
            self._matrix = torch.zeros(height, self._width, dtype=self._dtype, device=device)
            if old is not None:
                self._matrix[: old.shape[0], : old.shape[1]] = old
            return self._matrix
        return old
