"""Sets up the connections and heads of a model, in the order of the tasks' graph."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from plait.connections import (
    Connection,
    ForwardConnection,
    PenaltyConnection,
    StageConnection,
    Wiring,
)
from plait.connections.base import Shape
from plait.connections.graph import in_order
from plait.core.errors import UnsupportedError
from plait.core.features import Features, FeatureShape
from plait.core.seeding import seeded
from plait.core.structure import PerTask
from plait.encoders import body_shapes, ends_of_blocks, infer_shape, stages_of
from plait.sharing import Separate, Sharing
from plait.sharing.base import input_of
from plait.tasks import Task


@dataclass(frozen=True)
class Connected:
    """What was made.

    Attributes:
        heads: `{task: head}`, in the order of the tasks.
        early: `{task: head}` that reads the features before the exchange, where one is supervised.
        early_weight: of the losses of those.
        order: the tasks, every one after those that it reads.
    """

    heads: dict[str, nn.Module]
    early: dict[str, nn.Module]
    early_weight: float
    order: tuple[str, ...]


def connect(
    sharing: Sharing,
    tasks: Mapping[str, Task],
    connections: Sequence[Connection],
    example: Any,
    seed: int,
) -> Connected:
    """Sets up the connections and builds the heads that fit what they hand on.

    Args:
        sharing: is set up.
        tasks: the tasks by name.
        connections: in the order in which they act.
        example: one batch of inputs.
        seed: of heads and connections.

    Raises:
        UnsupportedError: a combination that makes no sense; it says why.
        ConfigError: edges that name unknown tasks or form a cycle.
        ShapeError: shapes that have to fit and do not.
    """
    check_levels(sharing, connections)
    wiring = _wiring(sharing, tasks, connections, example, seed)
    forward = [each for each in connections if isinstance(each, ForwardConnection)]
    for connection in connections:
        if isinstance(connection, StageConnection) and isinstance(example, PerTask):
            connection.setup(_on_one_input(wiring, example))
        elif not isinstance(connection, PenaltyConnection):
            connection.setup(wiring)
    order = in_order(
        list(tasks), [link for each in forward if not each.symmetric for link in each.links]
    )
    shapes: dict[str, FeatureShape] = {}
    predictions: dict[str, Shape] = {}
    heads: dict[str, nn.Module] = {}
    early: dict[str, nn.Module] = {}
    early_weight = max((each.early_weight for each in forward), default=0.0)
    for name in order:
        if early_weight > 0:
            with seeded(seed, "early head", name):
                early[name] = tasks[name].build_head(sharing.shapes[name])
        shape = sharing.shapes[name]
        for each in forward:
            shape = each.build(name, wiring, {**shapes, name: shape}, predictions)
        shapes[name] = shape
        with seeded(seed, "head", name):
            heads[name] = tasks[name].build_head(shape)
        if connections:
            predictions[name] = _prediction_shape(heads[name], shape)
    for connection in connections:
        if isinstance(connection, PenaltyConnection):
            connection.setup(replace(wiring, shapes=shapes, predictions=predictions))
    heads = {name: heads[name] for name in tasks}
    return Connected(heads, early, early_weight, tuple(order))


def check_levels(sharing: Sharing, connections: Sequence[Connection]) -> None:
    """Raises `UnsupportedError` for connections that cannot go together, or with the sharing."""
    levels = {connection.level: type(connection).__name__ for connection in connections}
    for level in ("stage", "input"):
        if level in levels and not isinstance(sharing, Separate):
            raise UnsupportedError(
                f"{levels[level]} connects the stages of one network per task; "
                f"{type(sharing).__name__} shares them. Use sharing.Separate."
            )
    if "stage" in levels and "input" in levels:
        raise UnsupportedError(
            f"{levels['input']} makes a task wait for the prediction of another, and "
            f"{levels['stage']} mixes the stages of both at once. Use one of the two, or let the "
            "first act at the features."
        )
    forward = [each for each in connections if isinstance(each, ForwardConnection)]
    for each in forward[1:]:
        if each.symmetric:
            raise UnsupportedError(
                f"{type(each).__name__} reads the features of all tasks at once, before any of "
                "them has a prediction. Name it before the other connections."
            )


def _wiring(
    sharing: Sharing,
    tasks: Mapping[str, Task],
    connections: Sequence[Connection],
    example: Any,
    seed: int,
) -> Wiring:
    own = isinstance(sharing, Separate)
    networks = dict(sharing.networks()) if own and connections else {}
    bodies = {
        task: body_shapes(network, input_of(task, example)) for task, network in networks.items()
    }
    ends = {task: tuple(ends_of_blocks(stages_of(each))) for task, each in networks.items()}
    return Wiring(
        tuple(tasks), dict(sharing.shapes), seed, bodies=bodies, ends=ends, networks=networks
    )


def _on_one_input(wiring: Wiring, example: Any) -> Wiring:
    """Returns the shapes of all networks for the first task's input.

    Between the stages of networks only values of one input meet, even where each task has its own.
    """
    first = input_of(wiring.tasks[0], example)
    return replace(
        wiring,
        shapes={task: infer_shape(each, first) for task, each in wiring.networks.items()},
        bodies={task: body_shapes(each, first) for task, each in wiring.networks.items()},
    )


def _prediction_shape(head: nn.Module, shape: FeatureShape) -> Shape:
    """Returns the shape of a head's prediction, by a run without arithmetic."""
    levels = tuple(torch.empty(2, *level, device="meta") for level in shape.levels)
    with torch.no_grad():
        prediction = copy.deepcopy(head).eval().to("meta")(Features(levels, shape.channel_dim))
    return tuple(prediction.shape[1:])
