"""Groups of processes that hold the parts of sharded parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, distributed, nn

from plait.core.errors import UnsupportedError
from plait.core.shards import any_shards, is_noted, is_shard, like, local, note_shard
from plait.core.structure import map_tensors
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
        module.set_force_sum_reduction_for_comms(True)  # a factor of single precision is NCCL's own
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


def whole_values(state: Any) -> Any:
    """Returns a state with each sharded tensor whole, in all processes at once.

    Args:
        state: tensors, numbers, strings and containers of them; itself where nothing is sharded.
    """
    return map_tensors(whole_value, state) if any_shards() else state


def parted(whole: Tensor, shard: Tensor) -> Tensor:
    """Returns a whole value as what `shard` is: itself, or sharded as that is.

    Args:
        whole: on any device, in the shape of `shard`.
        shard: a tensor that may be sharded.
    """
    if not is_shard(shard):
        return whole
    start, own = first_row(shard), local(shard)
    return like(whole[start : start + len(own)].to(own, copy=True), shard)


def parted_states(optimizer: torch.optim.Optimizer, saved: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the state of an optimizer, with what belongs to sharded parameters sharded as they.

    Whether it goes through the tensors one by one (`foreach`) stays as it is.

    Args:
        optimizer: has the parameters, in the order of the state.
        saved: its state dict, whole.
    """
    held = [each for group in optimizer.param_groups for each in group["params"]]
    sizes = [
        [len(g["params"]) for g in one] for one in (saved["param_groups"], optimizer.param_groups)
    ]
    if sizes[0] != sizes[1]:  # of another optimizer, which will refuse it
        return dict(saved)
    states = {}
    for place, values in saved["state"].items():
        shard = held[place]
        states[place] = {
            name: parted(value, shard)
            if isinstance(value, Tensor) and value.shape == shard.shape
            else value
            for name, value in values.items()
        }
    groups = [
        {**group, **({"foreach": own["foreach"]} if "foreach" in own else {})}
        for group, own in zip(saved["param_groups"], optimizer.param_groups, strict=True)
    ]
    return {**saved, "state": states, "param_groups": groups}


def is_sharded(model: nn.Module) -> bool:
    """Returns whether parameters of a model are sharded, so that all processes have to run it."""
    return any_shards() and any(map(is_shard, model.parameters()))


def first_row(shard: Tensor) -> int:
    """Returns the row of a sharded tensor at which the part of this process begins."""
    here = holders(shard)
    rows = -(-len(shard) // here.size)  # as `torch.chunk` does
    return min(here.rank * rows, len(shard))
