"""Sets up the connections and heads of a model, in the order of the tasks' graph."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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
from plait.connections.edges.graph import Edge, in_order
from plait.core.errors import ShapeError, UnsupportedError
from plait.core.features import Features, FeatureShape
from plait.core.seeding import seeded
from plait.core.structure import PerTask, input_of
from plait.networks import body_shapes, ends_of_blocks, grid_of, infer_shape, stages_of
from plait.networks.halves import entrance
from plait.sharing import Separate, Sharing
from plait.tasks import BaseTask


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
    tasks: Mapping[str, BaseTask],
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
    for name in order:
        if any(each.early_weight > 0 and each.parents(name) for each in forward):
            with seeded(seed, "early head", name):
                early[name] = tasks[name].build_head(sharing.shapes[name])
        shape = sharing.shapes[name]
        for each in forward:
            shape = each.build(name, wiring, {**shapes, name: shape}, predictions)
        shapes[name] = shape
        with seeded(seed, "head", name), _says_who_changed(name, forward):
            heads[name] = tasks[name].build_head(shape)
        if connections:
            grid = grid_of(input_of(name, example))
            predictions[name] = _prediction_shape(heads[name], shape, grid)
    whole = replace(wiring, shapes=shapes, predictions=predictions)
    for connection in connections:
        if isinstance(connection, ForwardConnection):
            connection.check(whole)
        if isinstance(connection, PenaltyConnection):
            connection.setup(whole)
    if isinstance(example, PerTask):
        _check_inputs(wiring, connections, example)
    heads = {name: heads[name] for name in tasks}
    early_weight = max((each.early_weight for each in forward), default=0.0) if early else 0.0
    return Connected(heads, early, early_weight, tuple(order))


@contextmanager
def _says_who_changed(task: str, forward: Sequence[ForwardConnection]) -> Iterator[None]:
    """Names the connections before the head where that does not fit."""
    try:
        yield
    except ShapeError as error:
        before = [type(each).__name__ for each in forward if each.parents(task)]
        if not before:
            raise
        raise ShapeError(
            f"the head of task {task!r} does not fit the features after {', '.join(before)}: "
            f"{error} Or leave the edges into the task out."
        ) from error


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
    for position, each in enumerate(forward):
        if each.symmetric and "input" in levels:
            raise UnsupportedError(
                f"{levels['input']} makes a task wait for the prediction of another, and "
                f"{type(each).__name__} reads the features of all tasks at once. Use one of the "
                "two, or let the first act at the features."
            )
        if each.symmetric and position > 0:
            raise UnsupportedError(
                f"{type(each).__name__} reads the features of all tasks at once, before any of "
                "them has a prediction. Name it before the other connections."
            )


def _wiring(
    sharing: Sharing,
    tasks: Mapping[str, BaseTask],
    connections: Sequence[Connection],
    example: Any,
    seed: int,
) -> Wiring:
    """Returns what the connections are told before there are heads."""
    own = isinstance(sharing, Separate) and len(connections) > 0
    networks = dict(sharing.networks()) if own else {}
    inside = any(each.level in ("stage", "input") for each in connections)
    staged = networks if inside else {}
    return Wiring(
        tuple(tasks),
        dict(sharing.shapes),
        seed,
        bodies={task: body_shapes(each, input_of(task, example)) for task, each in staged.items()},
        ends={task: tuple(ends_of_blocks(stages_of(each))) for task, each in staged.items()},
        entries={task: entrance(stages_of(each)) for task, each in staged.items()},
        networks=networks,
        kinds={name: task.kind for name, task in tasks.items()},
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


def _check_inputs(wiring: Wiring, connections: Sequence[Connection], example: PerTask) -> None:
    """Raises `UnsupportedError` if a network cannot read the inputs of the task that reads it."""
    for each in connections:
        reads: list[Edge] = []
        if isinstance(each, ForwardConnection):
            reads = [(source, task) for task in wiring.tasks for source in each.parents(task)]
        if isinstance(each, PenaltyConnection) and each.reads_outputs:
            reads = [pair for edge in each.active for pair in (edge, edge[::-1])]
        for task, other in reads:
            if task not in wiring.networks:
                continue
            try:
                infer_shape(wiring.networks[task], input_of(other, example))
            except ShapeError as error:
                raise UnsupportedError(
                    f"{type(each).__name__} runs the network of task {task!r} on the inputs of "
                    f"{other!r}, and {error}"
                ) from error


def _prediction_shape(head: nn.Module, shape: FeatureShape, grid: tuple[int, int] | None) -> Shape:
    """Returns the shape of a head's prediction, by a run on zeros."""
    levels = tuple(torch.zeros(2, *level) for level in shape.levels)
    with torch.no_grad():
        prediction = copy.deepcopy(head).eval()(Features(levels, shape.channel_dim, grid=grid))
    return tuple(prediction.shape[1:])
