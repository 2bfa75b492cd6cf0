"""Groups of processes that hold the parts of sharded parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, distributed, nn

from plait.core.errors import UnsupportedError
from plait.core.shards import is_noted, is_shard, local, note_shard
from plait.distributed.ranks import Ranks


def note_shards(model: nn.Module) -> None:
    """Learns which parameters of a model are sharded by FSDP2; in all processes at once.

    Each sharded module is made whole for a moment, one after the other, when it is new. From then
    on its gradients are added up over the processes and not averaged, for each process gives its
    share of a sum.

    Raises:
        UnsupportedError: parameters are in parts in another way than along their first dimension,
            or by several meshes.
    """
    from torch.distributed.fsdp import FSDPModule  # here: few trainings shard

    for module in model.modules():
        if not isinstance(module, FSDPModule) or all(map(is_noted, module.parameters())):
            continue
        module.set_gradient_divide_factor(1.0)
        module.reshard()
        known = dict(module.named_parameters())
        module.unshard()
        for name, whole in module.named_parameters():
            if whole is not known[name]:
                note_shard(known[name], whole)
        module.reshard()
    _check([parameter for parameter in model.parameters() if is_shard(parameter)])


def _check(shards: Sequence[Any]) -> None:
    for each in shards:
        odd = [p for p in each.placements if not (p.is_replicate() or p.is_shard(dim=0))]
        if odd or sum(p.is_shard() for p in each.placements) != 1:
            raise UnsupportedError(
                "plait trains parameters that are sharded along their first dimension; found "
                f"one {list(each.shape)} as {each.placements}. Leave `shard_placement_fn` out."
            )
    if len({each.device_mesh for each in shards}) > 1:
        raise UnsupportedError(
            "plait trains parameters that are sharded over one mesh; found several. Give each call "
            "of `fully_shard` the same `mesh=`."
        )


def holders(shard: Tensor) -> Ranks:
    """Returns the processes that hold the parts of a sharded tensor together."""
    mesh, placements = shard.device_mesh, shard.placements  # type: ignore[attr-defined]
    dim = next(dim for dim, placement in enumerate(placements) if placement.is_shard())
    group = mesh.get_group(dim)
    return Ranks(distributed.get_world_size(group), distributed.get_rank(group), group)


def joined_sums(values: Tensor, shard: Tensor) -> Tensor:
    """Returns the sums of values over the processes that hold the parts of a sharded tensor."""
    (found,) = holders(shard).sum([values])
    return found


def whole_value(tensor: Tensor) -> Tensor:
    """Returns all of a tensor in each process; of one that is sharded, in all of them at once."""
    if not is_shard(tensor):
        return tensor
    with torch.no_grad():
        found: Tensor = tensor.full_tensor()  # type: ignore[attr-defined]
    return found


def part_of(whole: Tensor, like: Tensor) -> Tensor:
    """Returns the part of a whole value that this process holds of `like`.

    Args:
        whole: on any device, in the shape of `like`.
        like: a parameter, or a tensor in parts as it is.
    """
    if not is_shard(like):
        return whole
    start = first_row(like)
    return whole[start : start + len(local(like))]


def first_row(shard: Tensor) -> int:
    """Returns the row of a sharded tensor at which the part of this process begins."""
    here = holders(shard)
    rows = -(-len(shard) // here.size)  # as `torch.chunk` does
    return min(here.rank * rows, len(shard))
