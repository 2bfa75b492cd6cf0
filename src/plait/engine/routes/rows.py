"""A row of gradients for each task, over all micro-batches."""

from __future__ import annotations

import torch
from torch import Tensor

from plait.balancing.base import GramianBalancer, JacobianBalancer, LossBalancer
from plait.core.lazy_values import names_of
from plait.engine.all_columns import AllColumns
from plait.engine.evidence import read
from plait.engine.gathered import Gathered
from plait.engine.label_plan import label_rows_of, passes_by_label, split_by_label
from plait.engine.micro_batch import MicroBatch
from plait.engine.passes import last_layer, split
from plait.engine.routes.base import Method, Route
from plait.engine.rows import Groups, Rows
from plait.engine.shard_rows import add_shard_rows
from plait.engine.weights import bound, gramian_weights, loss_weights


class RowRoute(Route[Method]):
    """A row for each task at the shared parameters, from T passes for each micro-batch or fewer.

    Args:
        step: see `Route`.
        balancer: see `Route`.
    """

    passes = "T, a row of gradients for each task"
    local = False

    rows: Rows
    weights: Tensor  # `[T]`, once they are found

    def __init__(self, step: Gathered, balancer: Method) -> None:
        super().__init__(step, balancer)
        self.rows = Rows(step.memory.rows)

    def add(self, micro: MicroBatch) -> None:
        """Adds the gradients of a micro-batch to the rows of its tasks."""
        buffer, losses = self.rows.buffer(micro.batch), micro.counted
        if self.step.sharded:
            add_shard_rows(buffer, self.step, micro)
            return
        plan = label_rows_of(self.step, micro, losses)
        found = None if plan is None else split_by_label(self.step, micro, plan, losses)
        if plan is not None and found is not None:
            self.passes = passes_by_label(plan)
            buffer.take(found.rows(), losses, micro.others)
            return
        buffer.add(
            losses,
            micro.candidates,
            micro.others,
            chunk_size=self.step.options.chunk_size,
            retain=self.step.retain_graph,
        )

    def apply(self) -> None:
        """Adds up the rows by their weights."""
        self.step.collect(self.rows.first.combine(self.weights, extreme=self.step.extreme))
        self.step.collect_own(self.rows.own())


class MeasuredLosses(RowRoute[LossBalancer]):
    """For a method that reads the losses, where rows are wanted or micro-batches are joined."""

    def solve(self) -> None:
        """Takes the slopes of the method's objective at the losses of the whole step."""
        tasks = self.rows.tasks
        self.weights = loss_weights(self.step, self.balancer, tasks)
        self.step.weights = dict(zip(tasks, self.weights.unbind(), strict=True))


class Direction(RowRoute[JacobianBalancer]):
    """For a method that makes one direction of the rows, coordinate by coordinate.

    Of sharded parameters each process gathers all columns, ``T P`` numbers.
    """

    def solve(self) -> None:
        """Combines the rows; they may hold NaN, which is found before anything is written."""
        step, tasks = self.step, self.rows.tasks
        columns = AllColumns(self.rows.first.layout)
        jacobian = columns.gather(self.rows.jacobian())
        info = step.informed(tasks, step.values_of(tasks), jacobian.dtype)
        scale = step.scale(len(tasks))
        self.found = columns.part(self.balancer.combine(jacobian, info) * scale)
        step.flag = self.balancer.flag
        if self.balancer.gives_weights:
            assert self.balancer.last_weights is not None
            weights = self.balancer.last_weights * scale
            step.weights = dict(zip(tasks, weights.unbind(), strict=True))
            step.new_weights.append((names_of(tasks), weights))

    def apply(self) -> None:
        """Cuts the direction up by parameter."""
        self.step.collect(self.rows.first.split(self.found))
        self.step.collect_own(self.rows.own())


class GramianOfRows(RowRoute[GramianBalancer]):
    """For a method that reads the Gramian of the rows, ``G = J J^T``, of one batch.

    Args:
        step: see `Route`.
        balancer: see `Route`.
    """

    def __init__(self, step: Gathered, balancer: GramianBalancer) -> None:
        super().__init__(step, balancer)
        self.layer: Tensor | None = None
        self._losses = 0  # of which the layer is the nearest one

    def add(self, micro: MicroBatch) -> None:
        """Adds the gradients of a micro-batch, and finds the last shared layer if it counts."""
        if self.balancer.at == "last layer" and self.layer is None:
            shared, _ = split(self.step, micro.losses, micro.candidates)
            self.layer = last_layer(micro.losses.values(), shared)
            self._losses = len(micro.losses)
        super().add(micro)

    def settle(self) -> None:
        """Completes the rows; several processes take the same last shared layer."""
        replicas = self.step.replicas
        if replicas is not None and self.balancer.at == "last layer":
            self.layer = replicas.same_layer(self.layer, self._losses, self.rows.first.layout)
        super().settle()

    def gramian(self, rows: Rows, dtype: torch.dtype) -> Tensor:
        """Returns the inner products of the rows, at the last shared layer if it alone counts."""
        return rows.gramian(self.layer, torch.float64 if self.balancer.exact else dtype)

    def solve(self) -> None:
        """Solves on the host."""
        step = self.step
        read(step, self.rows.own())
        exact = self.balancer.exact and self.balancer.groups == "whole"
        self.weights = gramian_weights(step, self.balancer, self.rows.jacobian().dtype, exact=exact)
        if self.layer is None:
            step.bound = bound(step, self.weights)


class GramianByGroup(GramianOfRows):
    """For a method with weights of its own for each layer or matrix."""

    def gramian(self, rows: Rows, dtype: torch.dtype) -> Tensor:
        """Returns one Gramian for each group, `[G, T, T]`."""
        assert self.balancer.groups != "whole"
        self.groups = Groups(rows.first, self.balancer.groups, self.step.model)
        return self.groups.gramians(rows.jacobian(), dtype)

    def apply(self) -> None:
        """Adds up each group of columns by its weights."""
        direction = self.groups.direction(
            self.weights, self.rows.jacobian(), extreme=self.step.extreme
        )
        self.step.collect(self.rows.first.split(direction))
        self.step.collect_own(self.rows.own())
