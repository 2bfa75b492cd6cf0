"""The rows of one step: one buffer for each batch, or parameter groups in one buffer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError
from plait.core.exponents import weighted
from plait.core.shards import is_shard, shard_of
from plait.distributed.shards import joined_sums
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

        With a layer it is that of the first batch.

        Args:
            layer: the shared parameter whose columns count; all by default.
            dtype: in which the rows are multiplied, at least.
        """
        layout = self.first.layout
        count = len(self.buffers) if layer is None else 1
        rows = [self.jacobian(batch) for batch in range(count)][:2]
        if layer is None and not layout.sharded:
            return _products(rows, dtype)
        sharded, whole = layout.sharded, layout.whole
        if layer is not None:
            columns = [layout.columns(layer)]
            sharded, whole = (columns, []) if is_shard(layer) else ([], columns)
        products = [_products([each[:, c] for each in rows], dtype) for c in (*sharded, *whole)]
        if sharded:
            held = torch.stack(products[: len(sharded)]).sum(0)
            products[: len(sharded)] = [joined_sums(held, layout.a_shard)]
        return torch.stack(products).sum(0)

    def lengths(self, batch: int) -> Tensor:
        """Returns the lengths `[T]` of the rows of a batch, in single precision at least."""
        rows, layout = self.jacobian(batch), self.first.layout
        if not layout.sharded:
            wide = torch.promote_types(rows.dtype, torch.float32)
            found: Tensor = torch.linalg.vector_norm(rows, dim=1, dtype=wide)
            return found
        squares = rows.new_zeros(2, len(rows), dtype=torch.float64)
        for total, alike in zip(squares, (layout.sharded, layout.whole), strict=True):
            for columns in alike:
                total += rows[:, columns].double().square().sum(1)
        return (joined_sums(squares[0], layout.a_shard) + squares[1]).sqrt()


def _products(rows: Sequence[Tensor], dtype: torch.dtype) -> Tensor:
    """Returns ``J J^T`` of one matrix, ``J_1 J_2^T`` of two."""
    return gramian(rows[0], dtype) if len(rows) == 1 else cross_gramian(rows[0], rows[1], dtype)


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
        named = () if model is None else model.named_parameters()
        names = {id(shard_of(parameter)): name for name, parameter in named}
        groups: dict[object, int] = {}
        self.columns: list[tuple[slice, int]] = []
        self.layout = rows.layout
        for parameter in rows.layout.shared:
            columns = rows.layout.columns(parameter)
            name = names.get(id(parameter), "")
            key = name.rpartition(".")[0] if kind == "layer" else id(parameter)
            self.columns.append((columns, groups.setdefault(key, len(groups))))
        self.count = len(groups)

    def gramians(self, jacobian: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        """Returns one Gramian for each group, `[G, T, T]`, multiplied in `dtype` at least."""
        tasks = len(jacobian)
        shape = 2, self.count, tasks, tasks
        total = torch.zeros(shape, dtype=torch.float64, device=jacobian.device)
        for parameter, (columns, group) in zip(self.layout.shared, self.columns, strict=True):
            total[int(is_shard(parameter)), group] += gramian(jacobian[:, columns], dtype)
        if self.layout.sharded:
            total[1] = joined_sums(total[1], self.layout.a_shard)
        return total.sum(0)

    def direction(self, weights: Tensor, jacobian: Tensor, *, extreme: bool = False) -> Tensor:
        """Returns the direction `[P]` of weights `[G, T]`; see `plait.gradients.RowBuffer`."""
        direction = jacobian.new_empty(jacobian.shape[1])
        for columns, group in self.columns:
            rows = jacobian[:, columns]
            direction[columns] = weighted(weights[group], rows, extreme=extreme)
        return direction
