"""A row for each task at sharded parameters."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import torch
from torch import Tensor

from plait.engine.gathered import Gathered
from plait.engine.micro_batch import MicroBatch
from plait.engine.replicas import Replicas
from plait.gradients import gradients


def rows_of_shards(
    step: Gathered, micro: MicroBatch, among: Collection[str] | None = None
) -> Iterator[tuple[str, list[tuple[Tensor, Tensor]]]]:
    """Yields `(task, its (parameter, gradient) pairs)` of a micro-batch at sharded parameters.

    All processes take one pass for each task that any of them has a label of, in one order. A pass
    reaches the same sharded parameters in each: where the task alone does not, here, all losses go
    along with weight 0.

    Args:
        step: of several processes.
        micro: the micro-batch; its graph is freed.
        among: the tasks that have rows; all by default.
    """
    replicas, losses = step.replicas, micro.counted
    assert replicas is not None
    present = replicas.tasks[micro.batch]
    tasks = [task for task in present if among is None or task in among]
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
