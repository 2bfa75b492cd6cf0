"""Per-task gradients: one row of a `[T, P]` matrix for each task, at the shared parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class OwnGradients:
    """The gradients at a parameter that has no columns in J: of the one task that reaches it."""

    parameter: Tensor
    by_task: dict[str, Tensor] = field(default_factory=dict)


@dataclass
class RowBuffer:
    """The matrix J of per-task gradients, and what was learned of the graph.

    A parameter that two tasks reach, in any step so far, is shared and has columns in J; the others
    belong to the task that reaches them. The buffer lives across steps. Rows of micro-batches are
    added up until `reset`.

    Attributes:
        given: shared parameters that the caller names; None finds them.
        known: shared parameters that were found earlier, in the order of their columns.
        shared: the shared parameters, in the order of their columns.
        tasks: the tasks with a row, in the order of the rows.
        own: gradients at the other parameters, by the parameter's id.
        reached: ids of the shared parameters that a task of this step reaches.
    """

    given: Sequence[Tensor] | None = None
    known: Sequence[Tensor] = ()
    shared: list[Tensor] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)
    own: dict[int, OwnGradients] = field(default_factory=dict)
    reached: set[int] = field(default_factory=set)
    _columns: dict[int, slice] = field(default_factory=dict)
    _matrix: Tensor | None = None

    def __post_init__(self) -> None:
        for parameter in self.given or self.known:
            self._add_columns(parameter)

    def reset(self) -> None:
        """Forgets the rows of the last step; keeps the layout and the memory."""
        self.tasks.clear()
        self.own.clear()
        self.reached.clear()

    def add(self, losses: Mapping[str, Tensor], candidates: Sequence[Tensor]) -> None:
        """Adds the gradients of `losses` to the rows of their tasks; the graph is freed by the last.

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
                    own[task] = own[task] + gradient if task in own else gradient
        if self.given is None:
            self._share()

    @property
    def jacobian(self) -> Tensor:
        """J `[T, P]` of the tasks added since `reset`; a view of the buffer."""
        assert self._matrix is not None
        return self._matrix[: len(self.tasks), : self._width()]

    def split(self, direction: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Cuts a direction `[P]` into `(parameter, gradient)` for the parameters reached in this step."""
        return [
            (p, direction[self._columns[id(p)]].view_as(p).to(p.dtype))
            for p in self.shared
            if id(p) in self.reached
        ]

    def _share(self) -> None:
        """Gives columns to the parameters that a second task was seen to reach."""
        found = [own for own in self.own.values() if len(own.by_task) > 1]
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
        self.reached.add(id(parameter))

    def _add_columns(self, parameter: Tensor) -> None:
        start = self._width()
        self.shared.append(parameter)
        self._columns[id(parameter)] = slice(start, start + parameter.numel())

    def _width(self) -> int:
        return self._columns[id(self.shared[-1])].stop if self.shared else 0

    def _reserve(self) -> Tensor:
        """Returns the buffer, made larger if rows or columns were added; new entries are zero."""
        rows, width = max(len(self.tasks), 1), self._width()
        old = self._matrix
        if old is None or old.shape[0] < rows or old.shape[1] < width:
            like = self.shared[0] if self.shared else torch.zeros(())
            height = max(rows, 0 if old is None else old.shape[0])
            self._matrix = torch.zeros(height, width, dtype=like.dtype, device=like.device)
            if old is not None:
                self._matrix[: old.shape[0], : old.shape[1]] = old
        assert self._matrix is not None
        return self._matrix
