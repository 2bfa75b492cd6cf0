"""Networks that run side by side, stage by stage, with connections between the stages."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from plait.connections import StageConnection
from plait.core.features import Features
from plait.networks import (
    channel_dim_of,
    grid_of,
    one_tensor,
    remaining,
    run_shifted,
    stages_of,
    unmasked,
)
from plait.networks.halves import Shift, entrance


@dataclass(frozen=True)
class StagePlan:
    """The part of the plan that is about one stage of the networks.

    Attributes:
        run: the tasks whose networks run it.
        mixed: for each connection, the tasks whose outputs are wanted of it.
    """

    run: list[str]
    mixed: list[list[str]]


def run_columns(
    networks: Mapping[str, nn.Module],
    inputs: Any,
    wanted: Collection[str],
    connections: Sequence[StageConnection],
    entering: Mapping[str, Shift],
) -> dict[str, Features]:
    """Runs the networks of the wanted tasks, and of the others the stages that these read.

    Args:
        networks: `{task: network}`.
        inputs: what all of them read.
        wanted: tasks in order.
        connections: act between the stages, one after the other.
        entering: `{task: from the first value in its network to what is added to it}`: the value,
            before the activation, of the stage that maps the input.
    """
    stages = {task: stages_of(network) for task, network in networks.items()}
    values, mask = unmasked(inputs, next(iter(networks.values())))
    hidden: Mapping[str, Any] = dict.fromkeys(networks, values)
    levels: dict[str, list[Tensor]] = {task: [] for task in networks}
    lengths = {task: len(own) for task, own in stages.items()}
    for number, stage in enumerate(plan(lengths, wanted, connections)):
        outputs: dict[str, Tensor] = {}
        for task in stage.run:
            shift = _shift(connections, number, task, hidden)
            if task in entering and number == entrance(stages[task]):
                shift = entering[task]
            found = run_shifted(stages[task][number], hidden[task], mask, shift)
            outputs[task] = one_tensor(found, number, networks[task])
        for connection, tasks in zip(connections, stage.mixed, strict=True):
            outputs |= connection.mix(number, outputs, tasks)
        for task, output in outputs.items():
            levels[task].append(output)
        hidden = outputs
    read: Mapping[str, Sequence[Tensor]] = {task: levels[task] for task in wanted}
    for connection in connections:
        read = connection.finish(read)
    features: dict[str, Features] = {}
    for task in wanted:
        axis, grid = channel_dim_of(networks[task]), grid_of(inputs, networks[task])
        left = remaining(mask, networks[task])
        features[task] = Features(tuple(read[task]), axis, left, grid)
    return features


def _shift(
    connections: Sequence[StageConnection],
    stage: int,
    task: str,
    hidden: Mapping[str, Any],
) -> Shift | None:
    """Returns the function that computes what is added to a stage's value; None if nothing is."""
    adding = [each for each in connections if stage > 0 and each.reads_before(stage, task)]

    def total(body: Any) -> Tensor:
        first, *others = (each.add(stage, task, hidden, body) for each in adding)
        return sum(others, first)

    return total if adding else None


def plan(
    lengths: Mapping[str, int], wanted: Collection[str], connections: Sequence[StageConnection]
) -> list[StagePlan]:
    """Plans the networks and mixtures to run at each stage, from the last one back.

    Args:
        lengths: `{task: number of stages}`.
        wanted: the tasks whose features are wanted.
        connections: in the order in which they act.
    """
    plans: list[StagePlan] = []
    needed: set[str] = set()  # after the stage
    for stage in reversed(range(max(lengths.values()))):
        needed |= {task for task in wanted if lengths[task] == stage + 1}
        mixed: list[list[str]] = []
        for connection in reversed(connections):
            mixed.insert(0, [task for task in lengths if task in needed])
            needed.update(*(connection.reads_beside(stage, task) for task in mixed[0]))
        run = [task for task in lengths if task in needed]
        plans.insert(0, StagePlan(run, mixed))
        if stage > 0:
            for connection in connections:
                needed.update(*(connection.reads_before(stage, task) for task in run))
    return plans
