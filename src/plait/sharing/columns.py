"""Networks side by side, stage by stage, with what passes between them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from plait.connections import StageConnection
from plait.core.features import Features
from plait.encoders import (
    channel_dim_of,
    grid_of,
    one_tensor,
    run_shifted,
    stages_of,
    unmasked,
)


def run_columns(
    networks: Mapping[str, nn.Module],
    inputs: Any,
    wanted: Collection[str],
    connections: Sequence[StageConnection],
    entering: Mapping[str, Tensor],
) -> dict[str, Features]:
    """Returns the features of the wanted tasks; of the other networks, runs what these need.

    Args:
        networks: `{task: network}`, each with as many stages.
        inputs: what all of them read.
        wanted: tasks in order.
        connections: act between the stages, one after the other.
        entering: `{task: what is added to its first stage before the activation}`.
    """
    stages = {task: stages_of(network) for task, network in networks.items()}
    values, mask = unmasked(inputs)
    plan = _plan([*networks], wanted, connections, max(map(len, stages.values())))
    hidden: dict[str, Any] = dict.fromkeys(networks, values)
    levels: dict[str, list[Tensor]] = {task: [] for task in plan[0]}
    for stage, tasks in enumerate(plan):
        outputs: dict[str, Tensor] = {}
        for task in tasks:
            shift = entering.get(task) if stage == 0 else _added(connections, stage, task, hidden)
            found = run_shifted(stages[task][stage], hidden[task], mask, shift)
            outputs[task] = one_tensor(found, stage, networks[task])
        for connection in connections:
            outputs = connection.mix(stage, outputs)
        hidden = dict(outputs)
        for task, output in outputs.items():
            levels[task].append(output)
    read: Mapping[str, Sequence[Tensor]] = levels
    for connection in connections:
        read = connection.finish(read)
    return {
        task: Features(tuple(read[task]), channel_dim_of(networks[task]), mask, grid_of(inputs))
        for task in wanted
    }


def _added(
    connections: Sequence[StageConnection], stage: int, task: str, hidden: Mapping[str, Tensor]
) -> Tensor | None:
    """Returns the sum of what the connections add to a stage."""
    total: Tensor | None = None
    for connection in connections:
        part = connection.add(stage, task, hidden)
        if part is not None:
            total = part if total is None else total + part
    return total


def _plan(
    tasks: Sequence[str],
    wanted: Collection[str],
    connections: Sequence[StageConnection],
    stages: int,
) -> list[list[str]]:
    """Returns the tasks that run each stage, found from the last one back."""
    needed = set(wanted)
    plan: list[list[str]] = []
    for stage in reversed(range(stages)):
        for connection in connections:
            for task in tuple(needed):
                needed.update(connection.reads_beside(stage, task))
        plan.append([task for task in tasks if task in needed])
        for connection in connections:
            for task in tuple(needed):
                needed.update(connection.reads_before(stage, task))
    return plan[::-1]
