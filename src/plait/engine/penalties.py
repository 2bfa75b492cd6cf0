"""Penalties of a step: terms of the objective outside the balancer."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from plait.core.errors import UnsupportedError
from plait.core.shards import any_shards, is_shard
from plait.engine.explained import explained
from plait.gradients import gradients, leaves

Scalars = Mapping[str, Tensor] | Tensor | None


def by_name(penalty: Scalars) -> Mapping[str, Tensor]:
    """Returns `{name: penalty}`; the only one has no name.

    Raises:
        UnsupportedError: one is computed from sharded parameters.
    """
    terms = penalty if isinstance(penalty, Mapping) else {} if penalty is None else {"": penalty}
    if any_shards() and any(map(is_shard, terms.values())):
        raise UnsupportedError(
            "a penalty of sharded parameters is in parts as well, which are not added up yet. "
            "Penalise parameters that are whole, or use the optimizer's weight decay."
        )
    return terms


def penalty_gradients(penalties: Mapping[str, Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Returns `(parameter, gradient)` of the sum of penalties, and keeps their graph.

    Raises:
        ConfigError: torch.compile has compiled the backward pass of a part of it for one pass.
    """
    active = [term for term in penalties.values() if term.requires_grad]
    try:
        return gradients(active, leaves(active), retain=True) if active else []
    except RuntimeError as error:
        told = explained(error, "a penalty beside the losses")
        if told is None:
            raise
        raise told from error
