"""Optimizer groups: learned weights without decay; modules with a learning-rate factor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch
from torch import nn

from plait.balancing.base import Balancer
from plait.core.annotations import shown
from plait.core.errors import ConfigError
from plait.distributed.shards import is_sharded
from plait.model import MultiTaskModel
from plait.networks.joined import held
from plait.training.closures import check_closure
from plait.training.options import GroupOptions
from plait.training.sparse import check_sparse

MakeOptimizer = Callable[[list[dict[str, Any]]], torch.optim.Optimizer]


def parameter_groups(
    model: nn.Module,
    balancer: Balancer | None = None,
    *,
    lr: float,
    weight_decay: float = GroupOptions.weight_decay,
) -> list[dict[str, Any]]:
    """Returns groups for any torch optimizer: the model's and the balancer's learned parameters.

    A module that declares `lr_scale` (such as a cross-stitch unit, which learns at a multiple of
    the base rate) gets ``lr x lr_scale`` for its own parameters and those below it; one that
    declares ``decays = False`` gets no weight decay for them. The balancer's weights get none
    either, which would pull them towards each other.

    Args:
        model: the model.
        balancer: the balancer; it is set up with the model's tasks if it has none yet.
        lr: base learning rate, above 0.
        weight_decay: of the model's parameters, at least 0; 0 by default.

    Returns:
        A group for each pair of rate and decay, then one of the balancer's weights if it learns
        any. Frozen parameters are in none.

    Raises:
        ConfigError: the balancer learns its weights, has no tasks yet, and the model does not know
            them.

    Example:
        >>> from plait.balancing import UncertaintyWeights
        >>> balancer = UncertaintyWeights(tasks=["a"])
        >>> groups = parameter_groups(nn.Linear(2, 1), balancer, lr=0.1, weight_decay=0.01)
        >>> [(group["lr"], group["weight_decay"], len(group["params"])) for group in groups]
        [(0.1, 0.01, 2), (0.1, 0.0, 1)]
    """
    scales, decays = _declared(model, "lr_scale"), _declared(model, "decays")
    alike: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for parameter in model.parameters():
        if parameter.requires_grad:
            kind = (float(scales.get(id(parameter), 1.0)), bool(decays.get(id(parameter), True)))
            alike.setdefault(kind, []).append(parameter)
    groups: list[dict[str, Any]] = [
        {"params": parameters, "lr": lr * scale, "weight_decay": weight_decay if decay else 0.0}
        for (scale, decay), parameters in alike.items()
    ]
    learned = _learned(model, balancer)
    return groups + ([{"params": learned, "lr": lr, "weight_decay": 0.0}] if learned else [])


def _declared(model: nn.Module, attribute: str) -> dict[int, Any]:
    """Returns `{id of a parameter: what the innermost module around it declares}`."""
    found: dict[int, Any] = {}
    for module in model.modules():  # parents come before their children
        value = getattr(module, attribute, None)
        if value is not None:
            found.update((id(parameter), value) for parameter in module.parameters())
    return found


def make_optimizer(
    optimizer: MakeOptimizer | torch.optim.Optimizer,
    model: nn.Module,
    balancer: Balancer,
    options: GroupOptions,
) -> torch.optim.Optimizer:
    """Makes an optimizer of all that learns, or checks that one made by hand holds all of it.

    Args:
        optimizer: a function of parameter groups, such as a class of `torch.optim`; or an
            optimizer.
        model: its parameters that need a gradient learn.
        balancer: so do its parameters, if it has some.
        options: base learning rate and weight decay of the groups, for a function.

    Raises:
        ConfigError: an optimizer made by hand lacks a parameter that learns; one needs a closure,
            or cannot step on sparse gradients as they are.
    """
    made = optimizer
    if not isinstance(made, torch.optim.Optimizer):
        made = _made(made, parameter_groups(model, balancer, **asdict(options)))
    check_closure(made)
    if made is optimizer:
        _check_holds_all(made, model, balancer)
    elif is_sharded(model):
        _go_one_by_one(made)
    check_sparse(made, model, balancer)
    return made


def _made(make: MakeOptimizer, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    try:
        made = make(groups)
    except TypeError as error:
        raise ConfigError(
            "`optimizer` must be a function of parameter groups, such as `torch.optim.AdamW` "
            f"or `lambda groups: SGD(groups, momentum=0.9)`; calling it fails: {error}."
        ) from error
    if not isinstance(made, torch.optim.Optimizer):
        raise ConfigError(
            f"`optimizer` must make an optimizer of torch; it has made {shown(made)}."
        )
    return made


def _check_holds_all(
    optimizer: torch.optim.Optimizer, model: nn.Module, balancer: Balancer
) -> None:
    """Checks that an optimizer made by hand holds every parameter that learns."""
    given = {id(p) for group in optimizer.param_groups for p in group["params"]}
    for owner, module in (("model", model), ("balancer", balancer)):
        for name, parameter in module.named_parameters():
            if parameter.requires_grad and id(held(parameter)) not in given:
                raise ConfigError(
                    f"the optimizer does not have {name} of the {owner}, which would never "
                    "learn. Make it with `plait.parameter_groups(model, balancer, lr=...)`, or "
                    "freeze the parameter."
                )


def _go_one_by_one(optimizer: torch.optim.Optimizer) -> None:
    """Lets an optimizer step tensor by tensor: no operation takes sharded and others at once."""
    for group in optimizer.param_groups:
        if group.get("foreach", False) is None:
            group["foreach"] = False


def _learned(model: nn.Module, balancer: Balancer | None) -> list[nn.Parameter]:
    if balancer is None or not balancer.learns:
        return []
    if not balancer.tasks:
        if not isinstance(model, MultiTaskModel):
            raise ConfigError(
                f"{type(balancer).__name__} learns one weight per task and does not know the tasks "
                "yet. Name them: tasks=[...]."
            )
        balancer.setup(tuple(model.tasks))
    return [parameter for parameter in balancer.parameters() if parameter.requires_grad]
