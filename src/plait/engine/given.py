"""Arguments of `plait.backward` that are not what they have to be, said with what to write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from torch import Tensor, nn

from plait.balancing.base import Balancer
from plait.balancing.contract.info import Info
from plait.core.annotations import members, rule, shown
from plait.core.errors import ConfigError
from plait.gradients import unnamed


def check_balancer(balancer: Any, losses: Any = None) -> None:
    """Raises `ConfigError` for what is no balancer, and where it has changed places with losses."""
    if isinstance(balancer, Balancer):
        return
    if isinstance(losses, Balancer):
        raise ConfigError(
            "the losses come first, and the balancer second. Write `plait.backward(losses, "
            f"{type(losses).__name__}())`."
        )
    raise ConfigError(f"`balancer` must be {rule(members(Balancer))}; found {shown(balancer)}.")


def check_given(balancer: Any, model: Any, retain_graph: Any) -> None:
    """Raises `ConfigError` for what is no balancer, a model that is no module, and so on."""
    check_balancer(balancer)
    if model is not None and not isinstance(model, nn.Module):
        raise ConfigError(f"`model` must be a torch module or None; found {shown(model)}.")
    if retain_graph is not True and retain_graph is not False:
        raise ConfigError(f"`retain_graph` must be True or False; found {shown(retain_graph)}.")


def check_info(info: Any) -> None:
    """Raises `ConfigError` for an `info` that is neither None nor an `Info`."""
    if info is not None and not isinstance(info, Info):
        raise ConfigError(
            f"`info` must be a `plait.balancing.Info`, such as `Info(epoch=3)`; found "
            f"{shown(info)}."
        )


def listed(shared: Iterable[Tensor]) -> list[Tensor]:
    """Returns the shared parameters that the caller names, of any iterable, as a list.

    Raises:
        ConfigError: it has anything but tensors, or nothing at all.
    """
    if isinstance(shared, nn.Module):
        raise ConfigError(
            f"`shared` must be parameters; found {shown(shared)}. Write `shared=trunk.parameters()`"
            " with that module."
        )
    if isinstance(shared, Mapping | str | Tensor) or not isinstance(shared, Iterable):
        raise ConfigError(f"`shared` must be a list of parameters; found {shown(shared)}.")
    found = list(shared)
    other = next((each for each in found if not isinstance(each, Tensor)), None)
    if other is not None:
        raise ConfigError(f"`shared` must be parameters; found {shown(other)} among them.")
    if not found:
        raise ConfigError(
            "`shared` names no parameter. Leave it out: those that two tasks reach are found."
        )
    return found


def batches_of(losses: Any) -> Sequence[Mapping[str, Tensor]]:
    """Returns `{task: loss}` of each batch: of the one, or of several in a list.

    Raises:
        ConfigError: the losses have no names, or are no losses.
    """
    if isinstance(losses, Mapping):
        return [cast(Mapping[str, Tensor], losses)]
    several = list(losses) if isinstance(losses, list | tuple) else None
    if several is not None and all(isinstance(batch, Mapping) for batch in several):
        return several
    raise unnamed(losses)


def one_for_each(name: str, given: Any, batches: int, what: str) -> list[Any]:
    """Returns an argument as a list with an entry for each independent batch.

    Args:
        name: of the argument.
        given: None for nothing.
        batches: their number.
        what: there is to give, for the message.

    Raises:
        ConfigError: there are not as many as batches.
    """
    if given is None:
        return [None] * batches
    found = list(given) if isinstance(given, list | tuple) else [given]
    if len(found) != batches:
        raise ConfigError(
            f"`{name}` must be as many as there are batches, {batches}; found {len(found)}. Give a "
            f"list with {what} by task for each of the losses."
        )
    return found


def check_names(losses: Iterable[Any]) -> None:
    """Raises `ConfigError` for a task whose name is no string."""
    for task in losses:
        if not isinstance(task, str):
            raise ConfigError(
                f"names of tasks must be strings; found {shown(task)}. Write "
                '`{"a": loss_a, "b": loss_b}`.'
            )
