"""Whole tensors, and parameters of which a process holds a part."""

import torch
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from plait.core.shards import is_noted, is_shard, like, local, shard_of, whole_of
from plait.distributed.shards import note_shards


def test_a_whole_tensor_is_itself() -> None:
    weight = nn.Parameter(torch.ones(3))
    assert not is_shard(weight)
    assert not is_noted(weight)
    for same in (shard_of, whole_of, local):
        assert same(weight) is weight
    assert like(weight, weight) is weight


def test_a_part_knows_the_whole(alone: None) -> None:
    layer = nn.Linear(3, 2)
    wanted = layer.weight.detach().clone()
    fully_shard(layer, mesh=init_device_mesh("cpu", (1,)))
    assert not is_noted(layer.weight)
    note_shards(layer)
    whole = whole_of(layer.weight)
    assert is_shard(layer.weight)
    assert is_noted(layer.weight)
    assert whole is not layer.weight
    assert shard_of(whole) is layer.weight
    assert torch.equal(local(layer.weight), wanted)
    assert torch.equal(like(wanted, layer.weight).full_tensor(), wanted)
