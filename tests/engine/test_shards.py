"""Shards are refused, wherever a training begins."""

import pytest
import torch
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import distribute_tensor

import plait
from plait.balancing import Equal, UPGrad
from plait.core.errors import UnsupportedError
from tests.engine.two_tasks import losses, model


@pytest.mark.parametrize("make", [Equal, UPGrad])
def test_shards_are_refused(make: type[Equal] | type[UPGrad], alone: None) -> None:
    mesh = init_device_mesh("cpu", (1,))
    trunk, inside = nn.Linear(4, 2), model()
    fully_shard(trunk, mesh=mesh)
    fully_shard(inside.sharing, mesh=mesh)
    with pytest.raises(UnsupportedError, match="whole parameters; found"):
        plait.Backward(make(), trunk)
    with pytest.raises(UnsupportedError, match="whole parameters; found"):
        plait.Trainer(inside, make(), device="cpu")
    found = losses(trunk)
    with pytest.raises(UnsupportedError, match="whole parameters; found FSDPLinear"):
        plait.backward(found, make(), model=trunk)


def test_a_parameter_that_is_a_shard_is_seen_in_the_graph(alone: None) -> None:
    mesh = init_device_mesh("cpu", (1,))
    weight = nn.Parameter(distribute_tensor(torch.ones(4), mesh))
    found = {"a": weight.sum().full_tensor(), "b": weight.square().sum().full_tensor()}
    with pytest.raises(UnsupportedError, match="found DTensor"):
        plait.backward(found, UPGrad())
