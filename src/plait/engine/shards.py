"""Sharded parameters: which of them can be trained."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from torch import Tensor, nn

from plait.core.errors import UnsupportedError
from plait.core.shards import is_noted
from plait.distributed.shards import note_shards


def check_shards(model: nn.Module) -> None:
    """Learns which parameters of a model FSDP2 has sharded, if any; in all processes at once.

    Raises:
        UnsupportedError: parameters are sharded in another way.
    """
    sharded = _loaded("torch.distributed.fsdp", "FSDPModule")
    if any(isinstance(each, sharded) for each in model.modules()):
        note_shards(model)
    check_known(model.parameters(), model.modules())


def check_known(parameters: Iterable[Tensor], modules: Iterable[nn.Module] = ()) -> None:
    """Checks that parameters are whole, or sharded in a way that is known.

    Args:
        parameters: those that are trained.
        modules: those that own them.

    Raises:
        UnsupportedError: one is a `DTensor` of tensor parallelism, or of a module that was sharded
            later; a module is FSDP1's.
    """
    parts = _loaded("torch.distributed.tensor", "DTensor")
    old = _loaded("torch.distributed.fsdp", "FullyShardedDataParallel")
    found = [type(p).__name__ for p in parameters if isinstance(p, parts) and not is_noted(p)]
    found += [type(each).__name__ for each in modules if isinstance(each, old)]
    if found:
        raise UnsupportedError(
            "plait trains whole parameters, and those that `fully_shard` has sharded; found "
            f"{found[0]}, as tensor parallelism and FSDP1 make it, or a model that was sharded "
            "later. Call `fully_shard` before `plait.Backward` is made, and give it the model."
        )


def _loaded(module: str, *names: str) -> tuple[type, ...]:
    """Returns classes of a module of torch; none if nobody has imported it, so none is in use."""
    found = sys.modules.get(module)
    return tuple(getattr(found, name) for name in names if hasattr(found, name))
