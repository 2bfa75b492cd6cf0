"""A trunk with conditioned layers, made from any module."""

from __future__ import annotations

import copy
import fnmatch
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from plait.core.errors import ConfigError
from plait.networks import infer_shape
from plait.networks.copies import handed_over
from plait.sharing.conditioning.base import Conditioner
from plait.sharing.conditioning.layers.active import Active
from plait.sharing.conditioning.layers.task_indexed import TaskIndexed


def layers_run(encoder: nn.Module, examples: Sequence[Any]) -> dict[str, nn.Module]:
    """Returns the modules that run when the encoder does, by name.

    Others, such as a classifier that no stage names, would be conditioned for nothing; and so would
    those whose owner computes with their weights directly.

    Args:
        encoder: any module.
        examples: batches of inputs.
    """
    run = set[str]()
    named = encoder.named_modules()
    hooks = [module.register_forward_hook(_Noted(run, name)) for name, module in named]
    for example in examples:
        infer_shape(encoder, example)
    for hook in hooks:
        hook.remove()
    return {name: module for name, module in encoder.named_modules() if name in run}


def conditioned(
    encoder: nn.Module,
    by: Conditioner,
    scope: str,
    tasks: Sequence[str],
    examples: Sequence[Any],
    seed: int,
    active: Active,
) -> nn.Module:
    """Returns the encoder with conditioned layers.

    Args:
        encoder: any module; it is not to be used any more.
        by: how they are conditioned.
        scope: a pattern of their names.
        tasks: the names of the tasks.
        examples: batches of inputs.
        seed: of new parameters.
        active: tells the layers which task a pass is for.

    Raises:
        ConfigError: no layer can be conditioned.
    """
    for module in encoder.modules():
        if isinstance(module, nn.TransformerEncoder):
            # with a padding mask, in evaluation, it computes with the weights of its layers
            module.use_nested_tensor = False
    run = layers_run(encoder, examples)
    within = {name: each for name, each in run.items() if fnmatch.fnmatchcase(name, scope)}
    chosen = by.choose(within)
    if not chosen:
        raise ConfigError(_nothing_chosen(by, scope, run))
    memo = handed_over(encoder)
    for name, layer in chosen.items():
        base = copy.deepcopy(layer, memo)
        memo[id(layer)] = by.condition(name, base, tasks, seed, active)
    # What stands in the memo is taken for the copy of a layer wherever the encoder refers to it:
    # in a list of stages, or under two names
    return copy.deepcopy(encoder, memo)


def plain(trunk: nn.Module) -> nn.Module:
    """Returns a copy of a conditioned trunk with its layers as they were before."""
    memo = handed_over(trunk)
    for module in conditioned_layers(trunk):
        memo[id(module)] = copy.deepcopy(module.plain(), memo)
    return copy.deepcopy(trunk, memo)


def conditioned_layers(module: object) -> list[TaskIndexed]:
    """Returns the conditioned layers of a module; none of a function."""
    parts = module.modules() if isinstance(module, nn.Module) else ()
    return [part for part in parts if isinstance(part, TaskIndexed)]


class _Noted:
    """A hook that notes the name of a module that runs."""

    def __init__(self, run: set[str], name: str) -> None:
        self.run = run
        self.name = name

    def __deepcopy__(self, memo: dict[int, Any]) -> _Noted:
        return self  # a copy of the encoder writes into the same set

    def __call__(self, *_: Any) -> None:
        self.run.add(self.name)


def _nothing_chosen(by: Conditioner, scope: str, run: Mapping[str, nn.Module]) -> str:
    types = ", ".join(sorted({each.__name__ for group in by.layer_types for each in group}))
    could = ", ".join(map(repr, by.choose(run))) or "none"
    return (
        f"`scope` {scope!r} matches no layer that {type(by).__name__} can condition. It takes: "
        f"{types}; the encoder runs of them: {could}."
    )
