"""Several processes that hold one model: each all of it, or parts of what all tasks read."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import nn

from plait.core.errors import ConfigError, DataError
from plait.core.launched import processes
from plait.core.shards import is_shard
from plait.distributed import Ranks, ranks
from plait.distributed.shards import is_sharded, whole_values
from plait.model import MultiTaskModel
from plait.networks import Stage, is_chain
from plait.training.options import Parallel

T = TypeVar("T")

PARTED = ("shard", "hybrid")  # the ways in which a process holds a part

_plain = WeakKeyDictionary[nn.Module, MultiTaskModel]()  # of a sharded model a copy without weights


def spread(model: MultiTaskModel, parallel: Parallel, device: torch.device) -> MultiTaskModel:
    """Moves a model to its device, and shards its trunk over the processes if it is to be.

    Each stage that every pass runs is a unit of FSDP2, whole while it runs, and so is each part of
    a stage that is a chain. Heads, and what some tasks alone read, are in each process. All start
    from the values of rank 0.

    Args:
        model: its parameters become those of this process, in their place.
        parallel: "shard" over all processes; "hybrid" over those of a machine, with the same parts
            on each machine; else nothing is sharded.
        device: where it goes.

    Returns:
        The model itself.

    Raises:
        ConfigError: no stage is run by every pass; "hybrid" where each machine has one process, or
            there is one machine.
    """
    here, model = ranks(), model.to(device)
    if here.alone or parallel not in PARTED:
        return model
    units = units_of(model)
    if not units:
        raise ConfigError(
            f"parallel={parallel!r} shards the stages that every task reads; "
            f"{type(model.sharing).__name__} has none that are modules with parameters to learn. "
            "Use parallel='replicate'."
        )
    from torch.distributed.fsdp import fully_shard  # here: few trainings shard

    start_alike(model)
    mesh = _mesh(parallel, here, device)
    empty = {id(each): _empty(each) for each in model.parameters()}
    _plain[model] = copy.deepcopy(model, empty)
    for unit in units:
        for parameter in unit.parameters():
            # FSDP2 divides no others, such as those of channels_last
            parameter.data = parameter.data.contiguous()
        fully_shard(unit, mesh=mesh, reshard_after_forward=True)
    return model


def _empty(parameter: nn.Parameter) -> nn.Parameter:
    """Returns a parameter of the same shape, without memory for its values."""
    return nn.Parameter(torch.empty_like(parameter, device="meta"), parameter.requires_grad)


def whole_at_first(model: MultiTaskModel) -> MultiTaskModel:
    """Returns a model that rank 0 can run alone: the model itself, or a copy of a sharded one.

    All processes call. The others get the model as it is.
    """
    plain = _plain.get(model)
    if plain is None:
        return model
    state = whole_values(model.state_dict())
    if not ranks().first:
        return model
    plain.load_state_dict(state, assign=True)
    return plain.train(model.training)


def units_of(model: MultiTaskModel) -> list[nn.Module]:
    """Returns the modules that several processes can hold in parts.

    Each is whole while it runs, and runs in every pass.
    """
    return [unit for stage in model.sharing.common_stages() for unit in _units(stage)]


def _units(stage: Stage) -> Iterator[nn.Module]:
    """Yields the modules of a stage that learn; those of a chain, which may be run one by one."""
    if is_chain(stage):
        for child in stage:
            yield from _units(child)
    elif isinstance(stage, nn.Module) and any(p.requires_grad for p in stage.parameters()):
        yield stage


def _mesh(parallel: Parallel, here: Ranks, device: torch.device) -> Any:
    from torch.distributed.device_mesh import init_device_mesh

    if parallel == "shard":
        return init_device_mesh(device.type, (here.size,), mesh_dim_names=("shard",))
    together = int(os.environ.get("LOCAL_WORLD_SIZE") or processes())
    machines, left = divmod(here.size, together)
    if left or together == 1 or machines == 1:
        raise ConfigError(
            "parallel='hybrid' needs several machines with as many processes each, more than one; "
            f"found {here.size} processes, {together} on this machine. Use parallel='shard'."
        )
    names = "replicate", "shard"
    return init_device_mesh(device.type, (machines, together), mesh_dim_names=names)


def start_alike(*modules: nn.Module) -> None:
    """Gives all processes the parameters and buffers of rank 0; in one, does nothing.

    Sharded parameters began alike, and each process has its own part of them.
    """
    for module in modules:
        whole = [each for each in module.parameters() if not is_shard(each)]
        ranks().broadcast_([*whole, *module.buffers()])


def measured(model: nn.Module, call: Callable[[], T]) -> T:
    """Runs a call that runs the model, at rank 0, and returns its result in every process.

    Where the model is sharded all of them call, each on all of the data.
    """
    if not is_sharded(model):
        return ranks().at_first(call)
    found = call()
    return ranks().at_first(lambda: found)  # a device may give each process other last bits


def check_parts(model: nn.Module, empty: bool, here: Ranks) -> None:
    """Checks that each process has an example with a label in each micro-batch of a step.

    Args:
        model: whose stages run in all processes at once where it is sharded.
        empty: whether this process has a micro-batch without.
        here: the processes.

    Raises:
        DataError: one has none, and the model is sharded; raised in all of them.
    """
    if not here.alone and is_sharded(model) and here.agree(empty):
        raise DataError(
            f"{here.size} processes hold parts of the model, and one of them has no example with a "
            "label in this step, so that it would not run. Use larger batches, drop the last one "
            "of an epoch (`drop_last`), or parallel='replicate'."
        )
