"""Parameters of the tasks' networks, matched by their names."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from plait.core.errors import ConfigError, ShapeError


def match_parameters(
    networks: Mapping[str, nn.Module],
    heads: Mapping[str, nn.Module] | None,
    *,
    scope: str,
    include_bias: bool,
    method: str,
) -> dict[str, list[nn.Parameter]]:
    """Returns `{name: the parameters of that name, in the order of the tasks}`.

    Args:
        networks: `{task: network}`; or one network of another name, which the tasks share.
        heads: `{task: head}`, whose names get ``head.`` in front, or ``head.task.`` where the
            network is shared; None leaves them out.
        scope: a pattern of names.
        include_bias: whether vectors are among them.
        method: who asks, for messages.

    Raises:
        ConfigError: `scope` matches nothing.
        ShapeError: parameters of one name have different shapes.
    """
    named = {task: _tied(network) for task, network in networks.items()}
    first = next(iter(named.values()))
    for task, head in (heads or {}).items():
        own, prefix = (named[task], "head") if task in named else (first, f"head.{task}")
        own |= {f"{prefix}.{name}": parameter for name, parameter in _tied(head).items()}
    matched = [name for name in first if fnmatch.fnmatchcase(name, scope)]
    if not include_bias:
        matched = [name for name in matched if first[name].dim() > 1]
    if not matched:
        raise ConfigError(
            f"`scope` {scope!r} of {method} matches no parameter of the tasks' networks; they "
            f"have: {', '.join(first) or 'none'}."
        )
    return {name: _same_shape(name, named) for name in matched}


def _tied(network: nn.Module) -> dict[str, nn.Parameter]:
    """Returns the parameters by name, without those of batch normalisation."""
    normalised = {
        id(parameter)
        for module in network.modules()
        if isinstance(module, _NormBase)
        for parameter in module.parameters(recurse=False)
    }
    return {name: p for name, p in network.named_parameters() if id(p) not in normalised}


def _same_shape(name: str, named: Mapping[str, Mapping[str, nn.Parameter]]) -> list[nn.Parameter]:
    group: Sequence[nn.Parameter | None] = [parameters.get(name) for parameters in named.values()]
    found = [p for p in group if p is not None]
    if len(found) < len(group) or len({p.shape for p in found}) > 1:
        shapes = {task: list(p[name].shape) if name in p else "absent" for task, p in named.items()}
        raise ShapeError(
            f"parameter {name!r} has to have one shape in all tasks' networks; found {shapes}. "
            "Narrow `scope` to the layers that they have in common."
        )
    return found
