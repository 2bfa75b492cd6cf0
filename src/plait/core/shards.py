"""Sharded parameters: a process holds a part of each, and its module shows all of it as it runs.

FSDP2 (`fully_shard`) puts a `DTensor` in the place of a parameter. Between the forward and the
backward pass of a module its graph leads to another tensor, the whole parameter, whose gradient
FSDP2 takes away, adds up over the processes, and gives to the `DTensor` as its part.
"""

from __future__ import annotations

from typing import TypeVar, cast

import torch
from torch import Tensor

Leaf = TypeVar("Leaf", bound=Tensor)

_classes: tuple[type, ...] = ()  # `DTensor`, once a model of this process is known to be sharded


def note_shard(shard: Tensor, whole: Tensor) -> None:
    """Notes that `whole` is what the graph has in the place of the parameter `shard`."""
    from torch.distributed.tensor import DTensor  # here: few trainings shard

    global _classes
    _classes = (DTensor,)
    shard.plait_whole = whole  # type: ignore[attr-defined]
    whole.plait_shard = shard  # type: ignore[attr-defined]


def is_noted(parameter: Tensor) -> bool:
    """Returns whether a parameter, or the whole of one, is known from `note_shard`."""
    return hasattr(parameter, "plait_whole") or hasattr(parameter, "plait_shard")


def any_shards() -> bool:
    """Returns whether a model of this process is known to be sharded."""
    return bool(_classes)


def is_shard(tensor: Tensor) -> bool:
    """Returns whether a tensor is in parts, of which this process holds one."""
    return isinstance(tensor, _classes)


def shard_of(leaf: Leaf) -> Leaf:
    """Returns the parameter that a leaf of a graph stands for: itself, unless it is sharded."""
    return cast(Leaf, getattr(leaf, "plait_shard", leaf)) if _classes else leaf


def whole_of(parameter: Tensor) -> Tensor:
    """Returns the leaf that a graph has for a parameter: itself, unless it is sharded."""
    return cast(Tensor, getattr(parameter, "plait_whole", parameter)) if _classes else parameter


def local(tensor: Tensor) -> Tensor:
    """Returns the part of a tensor that this process holds: all of it, unless it is sharded."""
    if not is_shard(tensor):
        return tensor
    with torch.no_grad():
        return cast(Tensor, tensor.to_local())  # type: ignore[attr-defined]


def like(part: Tensor, tensor: Tensor) -> Tensor:
    """Returns a part as what `tensor` is: itself, or sharded as that is.

    Args:
        part: in the shape of `local(tensor)`.
        tensor: a parameter.
    """
    if not is_shard(tensor):
        return part
    from torch.distributed.tensor import DTensor  # known by now

    assert isinstance(tensor, DTensor)
    return DTensor.from_local(
        part,
        tensor.device_mesh,
        tensor.placements,
        run_check=False,
        shape=tensor.shape,
        stride=tensor.stride(),
    )
