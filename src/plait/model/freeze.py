"""Freezing: tasks or parameters of a model that keep their values."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

from torch import nn

from plait.core.errors import ConfigError, suggest
from plait.core.keys import safe_key
from plait.model.parts import Parts
from plait.networks.joined import row_of


def freeze(model: Parts, what: Sequence[str]) -> list[nn.Module]:
    """Freezes tasks or parameters of a model.

    Heads that are joined in an optimizer are split if one of them is frozen.

    Args:
        model: the model; its parameters and the modes of its modules are changed.
        what: names of tasks (their encoder, if no other task reads it, and their head), or patterns
            of parameter names, such as ``"sharing.encoder.stages.0.*"``.

    Returns:
        The frozen modules. They are in eval mode, and whoever calls `train` has to put them back
        into it, so that their running statistics stand still.

    Raises:
        ConfigError: a name that is neither, a task whose encoder others share, or nothing is left
            to train.
    """
    still: list[nn.Module] = []
    for name in what:
        still += _task(model, name) if name in model.tasks else _pattern(model, name)
    for module in still:
        module.eval()
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ConfigError("everything is frozen, so there is nothing to train. Freeze less.")
    return still


def _task(model: Parts, task: str) -> list[nn.Module]:
    """Freezes the encoder and the head of a task."""
    encoder = model.sharing.encoder_of(task)
    users = [other for other in model.tasks if model.sharing.encoder_of(other) is encoder]
    if encoder is None or len(users) > 1:
        others = [other for other in users if other != task] if encoder is not None else []
        shared = f"shared with {', '.join(others)}" if others else "made of parts that are shared"
        raise ConfigError(
            f"task {task!r} cannot be frozen alone: its encoder is {shared}. Name the parameters "
            "instead, such as freeze=['sharing.*']."
        )
    parts = [encoder, model.heads[safe_key(task)]]
    for part in parts:
        for parameter in part.parameters():
            _hold(parameter)
    return parts


def _pattern(model: Parts, pattern: str) -> list[nn.Module]:
    """Freezes the parameters that match; returns the modules with no parameter left to learn."""
    named = dict(model.named_parameters())
    matched = [name for name in named if fnmatch.fnmatchcase(name, pattern)]
    if not matched:
        near = suggest(pattern, [*model.tasks, *named])
        raise ConfigError(
            f"`freeze` {pattern!r} is no task and matches no parameter of the model.{near}"
        )
    for name in matched:
        _hold(named[name])
    return [
        module
        for module in model.modules()
        if (own := list(module.parameters(recurse=False)))
        and not any(parameter.requires_grad for parameter in own)
    ]


def _hold(parameter: nn.Parameter) -> None:
    row = row_of(parameter)
    if row is not None:
        row.joined.undo()
    parameter.requires_grad_(False)
