"""The balancing methods that can be tried without a training: by `plait.backward` alone."""

from __future__ import annotations

from collections.abc import Sequence

import plait.balancing
from plait.balancing import Balancer
from plait.core.lookup import find, names

BATCHES = "reads several independent batches in a step, and here all batches are one"


def balancing_methods(wanted: Sequence[str] | None = None) -> dict[str, Balancer | str]:
    """Returns each of plait's balancing methods with its defaults, or why it cannot be tried.

    Args:
        wanted: the names of some; all by default.

    Raises:
        ConfigError: there is no such method.

    Example:
        >>> balancing_methods()["AutoLambda"]
        'reads several independent batches in a step, and here all batches are one'
    """
    chosen = names(plait.balancing, Balancer) if wanted is None else wanted
    return {name: _made(name) for name in chosen}


def _made(name: str) -> Balancer | str:
    balancer: Balancer = find(name, plait.balancing, base=Balancer, kind="balancer")()
    return BATCHES if balancer.batches > 1 or balancer.reads == "problem" else balancer
