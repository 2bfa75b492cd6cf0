"""What plait has, by family; read from `__all__`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from torch import nn

import plait.balancing
import plait.connections
import plait.encoders
import plait.recipes
import plait.regularization
import plait.sharing
import plait.tasks
from plait.balancing import Balancer
from plait.balancing.contract.traits import traits
from plait.connections import Connection
from plait.core.docstrings import part_of, summary_of
from plait.core.errors import ConfigError, unknown
from plait.core.lookup import names
from plait.recipes import Recipe
from plait.regularization import Regularizer
from plait.sharing import Sharing
from plait.tasks import Task

FAMILIES = {
    "sharing": (plait.sharing, Sharing),
    "regularization": (plait.regularization, Regularizer),
    "connections": (plait.connections, Connection),
    "balancing": (plait.balancing, Balancer),
    "tasks": (plait.tasks, Task),
    "encoders": (plait.encoders, nn.Module),
    "recipes": (plait.recipes, Recipe),
}


def catalogue(family: str | None = None) -> dict[str, dict[str, dict[str, str]]]:
    """Returns `{family: {name: {"summary": what it does, ...}}}`.

    The summary is the first line of the docstring; "paper", "differs" and "cost" are its parts of
    that sense, where it has them. Balancing methods have all their `Traits`.

    Raises:
        ConfigError: there is no such family.
    """
    if family is not None and family not in FAMILIES:
        raise ConfigError(unknown("family", family, FAMILIES))
    chosen = FAMILIES if family is None else {family: FAMILIES[family]}
    return {
        each: {name: _entry(getattr(package, name)) for name in names(package, base)}
        for each, (package, base) in chosen.items()
    }


def _entry(method: type[Any]) -> dict[str, str]:
    if issubclass(method, Balancer):
        return asdict(traits(method))
    parts = {"paper": "Reference", "differs": "Differs", "cost": "Cost"}
    told = {key: part_of(method, part) for key, part in parts.items()}
    return {"summary": summary_of(method)} | {key: text for key, text in told.items() if text}
