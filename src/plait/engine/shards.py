"""Parameters that are whole tensors, and not shards of them."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from torch import Tensor, nn

from plait.core.errors import UnsupportedError


def check_whole(parameters: Iterable[Tensor], modules: Iterable[nn.Module] = ()) -> None:
    """Checks that parameters are whole tensors, and not shards of them.

    Args:
        parameters: those that are trained.
        modules: those that own them; between its forward and its backward pass a sharded module
            shows whole parameters, whose gradient it takes away.

    Raises:
        UnsupportedError: one is a `DTensor`, as FSDP2 and tensor parallelism make them.
    """
    shards = _loaded("torch.distributed.tensor", "DTensor")
    sharded = _loaded("torch.distributed.fsdp", "FSDPModule", "FullyShardedDataParallel")
    found = [type(each).__name__ for each in parameters if isinstance(each, shards)]
    found += [type(each).__name__ for each in modules if isinstance(each, sharded)]
    if found:
        raise UnsupportedError(
            f"plait trains whole parameters; found {found[0]}, as `fully_shard` and tensor "
            "parallelism make it. The gradient of a shard would be lost, or be of the shard alone. "
            "Leave the model unsharded."
        )


def _loaded(module: str, *names: str) -> tuple[type, ...]:
    """Returns classes of a module of torch; none if nobody has imported it, so none is in use."""
    found = sys.modules.get(module)
    return tuple(getattr(found, name) for name in names if hasattr(found, name))
