"""Parameters in parts that cannot be trained are refused, wherever a training begins."""

import pytest
import torch
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import distribute_tensor

import plait
from plait.balancing import Equal, UPGrad
from plait.core.errors import UnsupportedError
from plait.distributed.shards import whole_value
from tests.engine.two_tasks import losses, model


def test_a_tensor_of_tensor_parallelism_is_refused(alone: None) -> None:
    mesh = init_device_mesh("cpu", (1,))
    trunk, inside = nn.Linear(4, 2), model()
    trunk.weight = nn.Parameter(distribute_tensor(trunk.weight.detach(), mesh))
    inside.sharing.encoder.weight = nn.Parameter(torch.ones(3, 4))
    inside.sharing.encoder.weight = nn.Parameter(distribute_tensor(torch.ones(3, 4), mesh))
    with pytest.raises(UnsupportedError, match="found DTensor"):
        plait.Backward(UPGrad(), trunk)
    with pytest.raises(UnsupportedError, match="found DTensor"):
        plait.Trainer(inside, UPGrad(), device="cpu")


def test_a_parameter_that_is_a_part_is_seen_in_the_graph(alone: None) -> None:
    mesh = init_device_mesh("cpu", (1,))
    weight = nn.Parameter(distribute_tensor(torch.ones(4), mesh))
    found = {"a": weight.sum().full_tensor(), "b": weight.square().sum().full_tensor()}
    with pytest.raises(UnsupportedError, match="found DTensor"):
        plait.backward(found, UPGrad())


@pytest.mark.parametrize("make", [Equal, UPGrad])
def test_one_process_trains_what_is_sharded_among_one(
    make: type[Equal] | type[UPGrad], alone: None
) -> None:
    """The model may be sharded before or after the losses were computed."""
    torch.manual_seed(0)
    plain, trunk, late = (nn.Linear(4, 2) for _ in range(3))
    for each in (trunk, late):
        each.load_state_dict(plain.state_dict())
        fully_shard(each, mesh=init_device_mesh("cpu", (1,)))
    plait.backward(losses(plain), make(), model=plain)
    plait.Backward(make(), trunk)(losses(trunk))
    plait.backward(losses(late), make(), model=late)
    for each in (trunk, late):
        torch.testing.assert_close(whole_value(each.weight.grad), plain.weight.grad)
