"""The rows of one step: one buffer for each batch, or parameter groups in one buffer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError
from plait.core.exponents import weighted
from plait.gradients import RowBuffer, cross_gramian, gramian


class Rows:
    """One row buffer for each independent batch of a step, all with the same columns.

    Args:
        rows: the buffer of the first batch.
    """

    def __init__(self, rows: RowBuffer) -> None:
        self.buffers = [rows]
        self.tasks: tuple[str, ...] = ()

    @property
    def first(self) -> RowBuffer:
        """The buffer of the first batch."""
        return self.buffers[0]

    def own(self, batch: int = 0) -> list[tuple[Tensor, str, Tensor]]:
        """Returns `(parameter, task, gradient)` of a batch, at the parameters without columns."""
        return [each for each in self.buffer(batch).own if each[1] in self.tasks]

    def buffer(self, batch: int) -> RowBuffer:
        """Returns the buffer of a batch, made if it is the first time."""
        while len(self.buffers) <= batch:
            self.buffers.append(RowBuffer(self.buffers[0].layout))
        return self.buffers[batch]

    def settle(self, order: Sequence[str] | None) -> None:
        """Ends the adding: `tasks` are then those with a row in every batch, in one order.

        Args:
            order: of the tasks; None leaves them as they came.

        Raises:
            ConfigError: no task has a row in every batch.
        """
        first = self.buffers[0]
        for buffer in self.buffers:
            buffer.settle()
        present = order or first.tasks
        self.tasks = tuple(
            task for task in present if all(task in buffer.tasks for buffer in self.buffers)
        )
        if not self.tasks:
            raise ConfigError(
                f"no task has labels in all {len(self.buffers)} batches of this step. Use larger "
                "batches, or a method that reads one batch."
            )
        if order or len(self.buffers) > 1:
            for buffer in self.buffers:
                buffer.sort(self.tasks)

    def jacobian(self, batch: int = 0) -> Tensor:
        """Returns J `[T, P]` of a batch, of `tasks`."""
        return self.buffers[batch].jacobian[: len(self.tasks)]

    def gramian(self, layer: Tensor | None = None, dtype: torch.dtype = torch.float32) -> Tensor:
        """Returns ``J J^T`` of one batch, or ``J_1 J_2^T`` of the first two, `[T, T]`.

        Args:
            layer: the shared parameter whose columns count; all by default.
            dtype: in which the rows are multiplied, at least.
        """
        if layer is not None:
            return gramian(self.jacobian()[:, self.buffers[0].layout.columns(layer)], dtype)
        if len(self.buffers) == 1:
            return gramian(self.jacobian(), dtype)
        return cross_gramian(self.jacobian(0), self.jacobian(1), dtype)


class Groups:
    """The columns of J by parameter group, for a method with weights for each group.

    Args:
        rows: the buffer, whose columns are known.
        kind: "layer" (one group for each module) or "matrix" (one for each parameter).
        model: tells which module a parameter belongs to.

    Raises:
        ConfigError: groups by layer without a model.
    """

    def __init__(self, rows: RowBuffer, kind: str, model: nn.Module | None) -> None:
        if kind == "layer" and model is None:
            raise ConfigError(
                "groups by layer need the model: give `model=`, or use groups='matrix'."
            )
        names = {} if model is None else {id(p): n for n, p in model.named_parameters()}
        groups: dict[object, int] = {}
        self.columns: list[tuple[slice, int]] = []
        for parameter in rows.layout.shared:
            columns = rows.layout.columns(parameter)
            name = names.get(id(parameter), "")
            key = name.rpartition(".")[0] if kind == "layer" else id(parameter)
            self.columns.append((columns, groups.setdefault(key, len(groups))))
        self.count = len(groups)

    def gramians(self, jacobian: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        """Returns one Gramian for each group, `[G, T, T]`, multiplied in `dtype` at least."""
        tasks = len(jacobian)
        total = torch.zeros(self.count, tasks, tasks, dtype=torch.float64, device=jacobian.device)
        for columns, group in self.columns:
            total[group] += gramian(jacobian[:, columns], dtype)
        return total

    def direction(self, weights: Tensor, jacobian: Tensor, *, extreme: bool = False) -> Tensor:
        """Returns the direction `[P]` of weights `[G, T]`; see `plait.gradients.RowBuffer`."""
        direction = jacobian.new_empty(jacobian.shape[1])
        for columns, group in self.columns:
            rows = jacobian[:, columns]
            direction[columns] = weighted(weights[group], rows, extreme=extreme)
        return direction
