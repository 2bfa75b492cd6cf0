"""Whether a step has what its method needs."""

from __future__ import annotations

from collections.abc import Sized

from plait.balancing.base import Balancer, BilevelBalancer
from plait.core.errors import ConfigError
from plait.engine.micro_batch import Features
from plait.engine.options import At


def check_setup(balancer: Balancer, at: At, batch: int, features: Features | None) -> None:
    """Raises `ConfigError` for a micro-batch that the method cannot be given.

    Args:
        balancer: the method.
        at: where it compares the tasks.
        batch: which of several independent batches the micro-batch belongs to.
        features: those that came with it.
    """
    name = type(balancer).__name__
    if balancer.learns and not balancer.tasks:
        raise ConfigError(
            f"{name} learns its weights, so the optimizer has to have them. Name its tasks "
            "(`tasks=[...]`) and make the optimizer with `plait.parameter_groups`."
        )
    if features is not None and at != "features":
        raise ConfigError("`features` are read with at='features' alone. Leave them out.")
    wanted = _batches(balancer)
    if batch >= wanted:
        raise ConfigError(
            f"{name} reads {wanted} independent batches in a step; found {batch + 1} or more. Join "
            "the others, or leave them out."
        )


def check_complete(balancer: Balancer, losses: Sized, batches: int) -> None:
    """Raises `ConfigError` for a step without a loss, or with fewer batches than the method reads.

    Args:
        balancer: the method.
        losses: of the tasks present.
        batches: independent batches that were given.
    """
    if not losses:
        raise ConfigError("no task has a loss in this step. Skip the step, or check the labels.")
    wanted = _batches(balancer)
    if batches < wanted:
        raise ConfigError(
            f"{type(balancer).__name__} reads {wanted} independent batches in a step; found "
            f"{batches}. Give `losses` as a list of them."
        )


def _batches(balancer: Balancer) -> int:
    """Returns the batches that a step is given; a bilevel method has its second in `problem`."""
    return 1 if isinstance(balancer, BilevelBalancer) else balancer.batches
