"""A row for each task at sharded parameters."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import torch
from torch import Tensor

from plait.engine.gathered import Gathered
from plait.engine.micro_batch import MicroBatch
from plait.engine.replicas import Replicas
from plait.gradients import RowBuffer, gradients


def add_shard_rows(
    buffer: RowBuffer, step: Gathered, micro: MicroBatch, among: Collection[str] | None = None
) -> None:
    """Adds the gradients of a micro-batch to the rows of its tasks, at sharded parameters too.

    All processes take one pass for each task that any of them has a label of, in one order. A pass
    reaches the same sharded parameters in each: where the task alone does not, here, all losses go
    along with weight 0.

    Args:
        buffer: gets the rows.
        step: of several processes.
        micro: the micro-batch; its graph is freed.
        among: the tasks that have rows; all by default.
    """
    assert step.replicas is not None
    present = step.replicas.tasks[micro.batch]
    tasks = [task for task in present if among is None or task in among]
    buffer.take(_rows(step, step.replicas, micro, tasks), tasks, micro.others)


def _rows(
    step: Gathered, replicas: Replicas, micro: MicroBatch, tasks: Sequence[str]
) -> Iterator[tuple[str, list[tuple[Tensor, Tensor]]]]:
    """Yields `(task, its (parameter, gradient) pairs)`."""
    losses = micro.counted
    others = set(map(id, micro.others))
    for position, task in enumerate(tasks):
        alone = task in losses and _reaches_all(replicas, task)
        with_weights = {task: 1.0} if alone else {each: float(each == task) for each in losses}
        scalars = [losses[each] for each in with_weights]
        weights = [torch.full_like(losses[each], w) for each, w in with_weights.items()]
        keep = step.retain_graph or position + 1 < len(tasks)
        found = gradients(scalars, [*micro.candidates, *micro.others], weights, retain=keep)
        wanted = {*map(id, replicas.reaching(task)), *(others if task in losses else ())}
        yield task, [(parameter, g) for parameter, g in found if id(parameter) in wanted]


def _reaches_all(replicas: Replicas, task: str) -> bool:
    """Returns whether a task reaches the sharded parameters that the micro-batch does, here."""
    here = replicas.reached_here[:, replicas.sharded]
    return bool((here[replicas.names.index(task)] == here.amax(0)).all())
