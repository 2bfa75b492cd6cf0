"""Sets up the connections and heads of a model, in the order of the tasks' graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from plait.connections import ForwardConnection, Wiring
from plait.connections.edges.wiring import Shape
from plait.core.errors import ShapeError, UnsupportedError
from plait.core.features import Features, FeatureShape
from plait.core.seeding import seeded
from plait.core.structure import PerTask, input_of
from plait.model.connections import Connections
from plait.networks import body_shapes, ends_of_blocks, grid_of, infer_shape, stages_of
from plait.networks.halves import entrance
from plait.networks.modes import on_trial
from plait.sharing import Separate, Sharing
from plait.tasks import BaseTask


@dataclass(frozen=True)
class Heads:
    """The heads of a model.

    Attributes:
        final: `{task: head}`, in the order of the tasks.
        early: `{task: head}` of the features before the exchange; empty unless one is supervised.
        early_weight: weight of the losses of the early heads; 0 without any.
    """

    final: dict[str, nn.Module]
    early: dict[str, nn.Module]
    early_weight: float


def connect(
    sharing: Sharing,
    tasks: Mapping[str, BaseTask],
    connections: Connections,
    example: Any,
    seed: int,
) -> Heads:
    """Sets up the connections and builds the heads that fit what they hand on.

    Args:
        sharing: is set up.
        tasks: the tasks by name.
        connections: are set up and sorted here.
        example: one batch of inputs.
        seed: of heads and connections.

    Raises:
        UnsupportedError: a combination that makes no sense; it says why.
        ConfigError: edges that name unknown tasks or form a cycle.
        ShapeError: shapes that have to fit and do not.
    """
    connections.check(sharing)
    wiring = _wiring(sharing, tasks, connections, example, seed)
    common = not isinstance(example, PerTask)
    for stage in connections.stage:
        stage.setup(wiring if common else _on_one_input(wiring, example))
    for forward in connections.forward:
        forward.setup(wiring)
    connections.sort()
    heads, whole = _heads(sharing, tasks, connections, wiring, example)
    for forward in connections.forward:
        forward.check(whole)
    for penalty in connections.penalties:
        penalty.setup(whole)
    if not common:
        _check_inputs(wiring, connections, example)
    return heads


def _heads(
    sharing: Sharing,
    tasks: Mapping[str, BaseTask],
    connections: Connections,
    wiring: Wiring,
    example: Any,
) -> tuple[Heads, Wiring]:
    """Builds what serves one task after the other; returns the wiring with all shapes known."""
    shapes: dict[str, FeatureShape] = {}
    predictions: dict[str, Shape] = {}
    final: dict[str, nn.Module] = {}
    early: dict[str, nn.Module] = {}
    for name in connections.order:
        if any(each.early_weight > 0 and each.parents(name) for each in connections.forward):
            with seeded(wiring.seed, "early head", name):
                early[name] = tasks[name].build_head(sharing.shapes[name])
        shape = sharing.shapes[name]
        for each in connections.forward:
            shape = each.build(name, wiring, {**shapes, name: shape}, predictions)
        shapes[name] = shape
        with seeded(wiring.seed, "head", name), _says_who_changed(name, connections.forward):
            final[name] = tasks[name].build_head(shape)
        if connections.all:
            grid = grid_of(input_of(name, example), sharing.prototype())
            predictions[name] = _prediction_shape(final[name], shape, grid)
    weights = [each.early_weight for each in connections.forward if early]
    heads = Heads({name: final[name] for name in tasks}, early, max(weights, default=0.0))
    return heads, replace(wiring, shapes=shapes, predictions=predictions)


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


def _wiring(
    sharing: Sharing,
    tasks: Mapping[str, BaseTask],
    connections: Connections,
    example: Any,
    seed: int,
) -> Wiring:
    """Returns the wiring as it is before there are heads."""
    own = isinstance(sharing, Separate) and len(connections.all) > 0
    networks = dict(sharing.networks()) if own else {}
    staged = networks if connections.stage or connections.entering else {}
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
    """Returns the wiring with the shapes of all networks for the first task's input.

    Between the stages of networks only values of one input meet, even where each task has its own.
    """
    first = input_of(wiring.tasks[0], example)
    return replace(
        wiring,
        shapes={task: infer_shape(each, first) for task, each in wiring.networks.items()},
        bodies={task: body_shapes(each, first) for task, each in wiring.networks.items()},
    )


def _check_inputs(wiring: Wiring, connections: Connections, example: PerTask) -> None:
    """Raises `UnsupportedError` if a network cannot read the inputs of the task that reads it."""
    for each in connections.all:
        for task, other in connections.read_inputs(each):
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
    with on_trial(head) as (trial, _):
        prediction = trial(Features(levels, shape.channel_dim, grid=grid))
    return tuple(prediction.shape[1:])
