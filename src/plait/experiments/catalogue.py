"""What plait has, by family; read from `__all__`."""

from __future__ import annotations

import inspect

from torch import nn

import plait.balancing
import plait.encoders
import plait.recipes
import plait.regularization
import plait.sharing
import plait.tasks
from plait.balancing import Balancer
from plait.core.errors import ConfigError, unknown
from plait.core.lookup import names
from plait.recipes import Recipe
from plait.regularization import Regularizer
from plait.sharing import Sharing
from plait.tasks import Task

FAMILIES = {
    "sharing": (plait.sharing, Sharing),
    "regularization": (plait.regularization, Regularizer),
    "balancing": (plait.balancing, Balancer),
    "tasks": (plait.tasks, Task),
    "encoders": (plait.encoders, nn.Module),
    "recipes": (plait.recipes, Recipe),
}


def catalogue(family: str | None = None) -> dict[str, dict[str, str]]:
    """Returns `{family: {name: what it does}}`; the second is the first line of the docstring.

    Raises:
        ConfigError: there is no such family.
    """
    if family is not None and family not in FAMILIES:
        raise ConfigError(unknown("family", family, FAMILIES))
    chosen = FAMILIES if family is None else {family: FAMILIES[family]}
    return {
        each: {
            name: (inspect.getdoc(getattr(package, name)) or "").splitlines()[0]
            for name in names(package, base)
        }
        for each, (package, base) in chosen.items()
    }
