"""Shards are refused, wherever a training begins."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import distribute_tensor

import plait
from plait.balancing import Equal, UPGrad
from plait.core.errors import UnsupportedError
from plait.sharing import Hard
from plait.tasks import Regression


def losses(trunk: nn.Module) -> dict[str, Tensor]:
    z = trunk(torch.ones(6, 4))
    return {"a": z[:, 0].square().mean(), "b": (z[:, 1] - 1).square().mean()}


def model() -> plait.MultiTaskModel:
    tasks = [Regression("a"), Regression("b")]
    return plait.MultiTaskModel(Hard(nn.Linear(4, 3)), tasks, example=torch.zeros(2, 4))


@pytest.fixture
def alone() -> Iterator[None]:
    """A process group of this process."""
    distributed.init_process_group("gloo", rank=0, world_size=1, store=distributed.HashStore())
    yield
    distributed.destroy_process_group()


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
