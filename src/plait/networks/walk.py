"""The modules and parameters of a network, fast enough for every step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import nn

from plait.core.shards import shard_of


class StandIn(Protocol):
    """The parameters that are read in the place of those of some of a module's children.

    Attributes:
        wholes: parameters; of these children.
        others: the other children.
    """

    wholes: Sequence[nn.Parameter]
    others: Sequence[nn.Module]


def modules_of(module: nn.Module) -> list[nn.Module]:
    """Returns a module and all those below it, each once, in the order of ``module.modules()``.

    The generators of torch take as long as a small backward pass; this takes a tenth.

    Example:
        >>> [type(each).__name__ for each in modules_of(nn.Sequential(nn.ReLU(), nn.Tanh()))]
        ['Sequential', 'ReLU', 'Tanh']
    """
    found: dict[nn.Module, None] = {}
    stack = [module]
    while stack:
        part = stack.pop()
        if part not in found:
            found[part] = None
            if part._modules:
                stack += [each for each in reversed(part._modules.values()) if each is not None]
    return list(found)


def learning(module: nn.Module, *, joined: bool = False) -> list[nn.Parameter]:
    """Returns the parameters that need a gradient, each once, as ``module.parameters()`` does.

    Args:
        module: the network.
        joined: where a module has a `stand_in`, leave out the children whose place it takes.

    Example:
        >>> [list(p.shape) for p in learning(nn.Sequential(nn.Linear(2, 3), nn.ReLU()))]
        [[3, 2], [3]]
    """
    found: dict[int, nn.Parameter] = {}
    _gather(module, found, {module}, joined)
    return list(found.values())


def _gather(
    part: nn.Module, found: dict[int, nn.Parameter], seen: set[nn.Module], joined: bool
) -> None:
    """Adds the parameters of a module that need a gradient, and those of its children."""
    for parameter in part._parameters.values():
        if parameter is not None and parameter.requires_grad:
            learns = shard_of(parameter)
            found[id(learns)] = learns
    stand_in: StandIn | None = part.__dict__.get("stand_in")
    if stand_in is not None:
        found.update((id(whole), whole) for whole in stand_in.wholes)
    children = stand_in.others if joined and stand_in is not None else part._modules.values()
    for child in children:
        if child is not None and child not in seen:
            seen.add(child)
            _gather(child, found, seen, joined)
