"""Parts of a model that no longer learn."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import nn

from plait.core.errors import ConfigError, suggest

if TYPE_CHECKING:
    from plait.model.model import MultiTaskModel


def freeze(model: MultiTaskModel, what: Sequence[str]) -> list[nn.Module]:
    """Freezes parts of a model; returns the modules that have to stay in eval mode.

    Args:
        model: the model.
        what: names of tasks (their encoder, if no other task reads it, and their head), or patterns
            of parameter names, such as ``"sharing.encoder.stages.0.*"``.

    Raises:
        ConfigError: a name that is neither, or a task whose encoder others share.
    """
    still: list[nn.Module] = []
    for name in what:
        still += _task(model, name) if name in model.tasks else _pattern(model, name)
    for module in still:
        module.eval()
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ConfigError("everything is frozen, so there is nothing to train. Freeze less.")
    return still


def _task(model: MultiTaskModel, task: str) -> list[nn.Module]:
    encoder = model.sharing.encoder_of(task)
    users = [other for other in model.tasks if model.sharing.encoder_of(other) is encoder]
    if encoder is None or len(users) > 1:
        others = [other for other in users if other != task] if encoder is not None else []
        shared = f"shared with {', '.join(others)}" if others else "made of parts that are shared"
        raise ConfigError(
            f"task {task!r} cannot be frozen alone: its encoder is {shared}. Name the parameters "
            "instead, such as freeze=['sharing.*']."
        )
    parts = [encoder, model.head_of(task)]
    for part in parts:
        part.requires_grad_(False)
    return parts


def _pattern(model: MultiTaskModel, pattern: str) -> list[nn.Module]:
    named = dict(model.named_parameters())
    matched = [name for name in named if fnmatch.fnmatchcase(name, pattern)]
    if not matched:
        near = suggest(pattern, [*model.tasks, *named])
        raise ConfigError(
            f"`freeze` {pattern!r} is no task and matches no parameter of the model.{near}"
        )
    for name in matched:
        named[name].requires_grad_(False)
    return [
        module
        for module in model.modules()
        if (own := list(module.parameters(recurse=False)))
        and not any(parameter.requires_grad for parameter in own)
    ]
