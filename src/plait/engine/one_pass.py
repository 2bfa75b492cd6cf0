"""Steps that take one backward pass of a weighted sum of the losses, and no other."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from plait.balancing.base import Balancer, BilevelBalancer, LossBalancer
from plait.core.errors import ConfigError
from plait.core.outputs import Losses
from plait.engine.options import Options


def weighs_losses(balancer: Balancer, *, measure: bool, several: bool) -> bool:
    """Returns whether a method needs the losses alone, and no gradient of a task.

    Args:
        balancer: the method.
        measure: whether the gradients of the tasks are to be measured.
        several: whether the step has several micro-batches.
    """
    known = isinstance(balancer, LossBalancer) and not measure
    return known and (balancer.constant or not several)


def weighs_heads_by_task(balancer: Balancer, options: Options) -> bool:
    """Returns whether a task's weight counts at the parameters that it alone reaches."""
    chosen = options.head_weights
    own = isinstance(balancer, LossBalancer | BilevelBalancer)
    return chosen == "task" or (chosen == "auto" and own)


def takes_one_pass(
    balancer: Balancer, options: Options, *, measure: bool = False, several: bool = False
) -> bool:
    """Returns whether no gradient of a single task is asked for, so that like tasks may be a block.

    Args:
        balancer: the method.
        options: of `plait.Backward`.
        measure: as in `weighs_losses`.
        several: as in `weighs_losses`.

    Example:
        >>> from plait.balancing import Equal, UPGrad
        >>> [takes_one_pass(method, Options()) for method in (Equal(), UPGrad())]
        [True, False]
    """
    own = weighs_heads_by_task(balancer, options)
    return own and weighs_losses(balancer, measure=measure, several=several)


def are_stacked(losses: Mapping[str, Tensor]) -> bool:
    """Returns whether losses are the entries of one vector."""
    return isinstance(losses, Losses) and losses.stacked is not None


def check_stacked(
    losses: Mapping[str, Tensor],
    balancer: Balancer,
    options: Options,
    measure: bool,
    several: bool,
) -> None:
    """Raises `ConfigError` for losses as one vector where those of single tasks are needed.

    Args:
        losses: `{task: scalar}`.
        balancer: the method.
        options: of `plait.Backward`.
        measure: as in `weighs_losses`.
        several: as in `weighs_losses`.
    """
    if not are_stacked(losses):
        return
    if not takes_one_pass(balancer, options, measure=measure, several=several):
        raise ConfigError(
            f"{type(balancer).__name__} differentiates each task alone here, and the losses are "
            "one vector of like tasks. Run the model without `model.flow.joint(True)`."
        )
