"""Rows of some tasks in each step."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from plait.balancing.bases.in_turn import InTurnBalancer
from plait.engine.all_columns import AllColumns
from plait.engine.evidence import read
from plait.engine.gathered import Gathered
from plait.engine.micro_batch import MicroBatch
from plait.engine.passes import split
from plait.engine.routes.rows import RowRoute
from plait.engine.shard_rows import add_shard_rows
from plait.gradients import joint_gradients


class InTurn(RowRoute[InTurnBalancer]):
    """One pass for each task whose turn it is, and one through the heads of the others.

    With micro-batches the choice is among the tasks of the whole step where `Info.tasks` names
    them, else among those of the first; a task that comes later is asked for then.

    Args:
        step: see `Route`.
        balancer: see `Route`.
    """

    passes = "1 for each task in turn and 1 through the heads, momenta of the other rows"

    def __init__(self, step: Gathered, balancer: InTurnBalancer) -> None:
        super().__init__(step, balancer)
        self.has_turn: dict[str, bool] = {}
        self.shared: dict[int, Tensor] = {}
        self.heads: list[tuple[Tensor, Tensor]] = []

    def add(self, micro: MicroBatch) -> None:
        """Differentiates the tasks of a micro-batch whose turn it is, and the heads of the rest."""
        self._choose(micro.losses)
        # All tasks tell what is shared: from one alone it would look like that task's own
        shared, own = split(self.step, micro.losses, micro.candidates)
        self.shared.update((id(parameter), parameter) for parameter in shared)
        own += micro.others
        losses, retain, sharded = micro.counted, self.step.retain_graph, self.step.sharded
        turn = {task: loss for task, loss in losses.items() if self.has_turn[task]}
        rest = [loss for task, loss in losses.items() if task not in turn]
        if rest and own:
            unit = torch.ones(len(rest), dtype=torch.float64)
            self.heads += joint_gradients(rest, own, unit, retain=retain or sharded or bool(turn))
        if sharded:
            among = [task for task, has_turn in self.has_turn.items() if has_turn]
            add_shard_rows(self.rows.first, self.step, micro, among)
        elif turn:
            self.rows.first.add(
                turn,
                micro.candidates,
                micro.others,
                chunk_size=self.step.options.chunk_size,
                retain=retain,
            )

    def settle(self) -> None:
        """Completes the rows; what has turned out to be shared is no longer a head's."""
        step, layout = self.step, self.rows.first.layout
        step.collect_local((p, gradient) for p, gradient in self.heads if p not in layout)
        self._choose(())  # a process without labels has not asked yet
        step.join_rows(self.rows, [task for task, has_turn in self.has_turn.items() if has_turn])
        self.rows.settle(None)
        if step.replicas is not None:
            self.shared = {id(p): p for p in step.replicas.reached_now if p in layout}

    def _choose(self, tasks: Iterable[str]) -> None:
        """Asks whose turn it is among tasks that are new."""
        known = dict.fromkeys([*self.step.info.tasks, *tasks])
        new = [task for task in known if task not in self.has_turn]
        if new:
            chosen = self.balancer.turns(new, sum(self.has_turn.values()))
            self.has_turn.update((task, task in chosen) for task in new)

    def solve(self) -> None:
        """Lets the method follow the rows, which are finite."""
        step, columns = self.step, AllColumns(self.rows.first.layout)
        jacobian = columns.gather(self.rows.jacobian())
        rows = zip(self.rows.tasks, jacobian, strict=True)
        read(step, [*self.rows.own(), *((row, task, row) for task, row in rows)])
        order = self.balancer.tasks if step.several else ()
        tasks = tuple(task for task in order or step.losses if task in step.losses)
        layout, scale = self.rows.first.layout, step.scale(len(tasks))
        direction = self.balancer.follow(
            jacobian,
            self.rows.tasks,
            step.informed(tasks, step.values_of(tasks), jacobian.dtype),
            scale=scale,
            idle=[columns.columns(p) for p in layout.shared if id(p) not in self.shared],
        )
        self.found = columns.part(direction)
        step.flag, step.tasks, step.matrix = self.balancer.flag, tasks, self.balancer.gramian
        weights = self.balancer.last_weights
        if weights is not None:
            weights = weights * scale
            if step.matrix is not None:
                still = torch.from_numpy(step.matrix.diagonal() == 0)
                weights = weights.masked_fill(still, step.equal(len(tasks)))
            step.weights = dict(zip(tasks, weights.unbind(), strict=True))

    def apply(self) -> None:
        """Cuts the direction up by parameter; the rows of a first step give their memory back."""
        rows = self.rows.first
        self.step.collect(rows.split(self.found, self.shared.values()))
        self.step.collect_own(self.rows.own())
        if len(rows.tasks) > self.balancer.tasks_per_step:
            rows.release()
