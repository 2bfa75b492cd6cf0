"""Sums, agreement and broadcast over two processes; one process is left as it is."""

from typing import Any

import pytest
import torch
from torch import Tensor, distributed, nn

from plait.distributed import ALONE, ranks
from tests.distributed.group import Group


def of_rank(rank: int) -> list[Tensor]:
    """Tensors of several kinds, as rank `rank` has them."""
    scale = float(rank + 1)
    return [
        scale * torch.arange(6.0).view(2, 3).t(),  # not contiguous
        scale * torch.ones(2, dtype=torch.float64),
        scale * torch.tensor([1 + 2j]),
        torch.zeros(0),
        scale * torch.tensor(3.0),
    ]


def test_one_process_is_left_as_it_is() -> None:
    tensors = of_rank(0)
    assert ranks() is ALONE
    assert all(one is other for one, other in zip(ALONE.sum(tensors), tensors, strict=True))
    values = torch.ones(3, dtype=torch.uint8)
    assert ALONE.most(values) is values
    ALONE.sum_(tensors[0])
    ALONE.broadcast_(tensors)
    assert all(torch.equal(x, y) for x, y in zip(tensors, of_rank(0), strict=True))
    assert ALONE.gather("x") == ["x"] and ALONE.union(["b", "a", "b"]) == ["b", "a"]
    assert ALONE.agree(True) and not ALONE.agree(False)


def test_a_group_of_one_is_one_process() -> None:
    distributed.init_process_group("gloo", rank=0, world_size=1, store=distributed.HashStore())
    try:
        assert ranks() is ALONE
    finally:
        distributed.destroy_process_group()


def sums() -> Any:
    here = ranks()
    mine = of_rank(here.rank)
    summed = here.sum(mine)
    assert all(torch.equal(x, y) for x, y in zip(mine, of_rank(here.rank), strict=True))
    narrow = torch.full((3, 4), float(here.rank + 1))
    here.sum_(narrow[:, :2])
    whole = torch.full((4,), float(here.rank + 1))
    here.sum_(whole)
    return here.size, here.rank, summed, narrow, whole, here is ranks()


def test_tensors_are_added_up(two: Group) -> None:
    found = two(sums)
    assert [each[:2] for each in found] == [(2, 0), (2, 1)]
    for rank, (_, _, summed, narrow, whole, same) in enumerate(found):
        for total, one in zip(summed, of_rank(0), strict=True):
            assert total.dtype == one.dtype and torch.equal(total, 3 * one)
        assert narrow.tolist() == [[3.0, 3.0, rank + 1.0, rank + 1.0]] * 3
        assert whole.tolist() == [3.0] * 4
        assert same


def host_facts() -> Any:
    here = ranks()
    return (
        here.total([0.1 * (here.rank + 1), 5.0]),
        here.agree(here.rank == 1),
        here.agree(False),
        here.most(torch.tensor([here.rank, 1 - here.rank, 0], dtype=torch.uint8)).tolist(),
        here.union(["c", "a"] if here.rank else ["a", "b"]),
        here.gather({"rank": here.rank}),
    )


def test_what_hosts_know_is_joined(two: Group) -> None:
    for found in two(host_facts):
        total, some, none, most, names, gathered = found
        assert total == [pytest.approx(0.3), 10.0]
        assert some and not none
        assert most == [1, 1, 0]
        assert names == ["a", "b", "c"]
        assert gathered == [{"rank": 0}, {"rank": 1}]


def broadcast() -> Any:
    here = ranks()
    torch.manual_seed(here.rank)
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).double()
    net.append(nn.Conv2d(2, 2, 3).to(memory_format=torch.channels_last))
    net[1].num_batches_tracked += here.rank
    first = {name: each.clone() for name, each in net.state_dict().items()}
    here.broadcast_([*net.parameters(), *net.buffers()])
    return first, net.state_dict()


def test_rank_0_hands_out_its_values(two: Group) -> None:
    (first, kept), (other, taken) = two(broadcast)
    assert not torch.equal(first["0.weight"], other["0.weight"])
    for name, value in first.items():
        assert torch.equal(kept[name], value) and torch.equal(taken[name], value)
