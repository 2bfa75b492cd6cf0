"""Several processes and shards are refused, wherever a training begins."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.multiprocessing as multiprocessing
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import distribute_tensor
from torch.nn.parallel import DistributedDataParallel

import plait
from plait.balancing import Equal, UPGrad
from plait.core.errors import UnsupportedError
from plait.engine.processes import check_one_process
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


def work(rank: int, folder: str) -> None:
    """One of two processes: every entry refuses, and no gradient is written."""
    torch.set_num_threads(1)
    made = plait.Trainer(model(), device="cpu", epochs=1)  # before there is a group
    steps = plait.Backward(UPGrad())
    store = distributed.FileStore(f"{folder}/store", 2)
    distributed.init_process_group("gloo", rank=rank, world_size=2, store=store)
    trunk = DistributedDataParallel(nn.Linear(4, 2))
    batches = [(torch.ones(4, 4), {"a": torch.ones(4, 1), "b": torch.ones(4, 1)})]
    entries = [
        lambda: plait.backward(losses(trunk), Equal()),
        lambda: plait.backward(losses(nn.Linear(4, 2)), UPGrad()),
        lambda: plait.Backward(UPGrad(), model()),
        lambda: plait.Trainer(model(), device="cpu"),
        lambda: steps(losses(trunk)),
        lambda: steps.add(losses(trunk)),
        lambda: made.fit(batches),
    ]
    for entry in entries:
        with pytest.raises(UnsupportedError, match="found a process group of 2"):
            entry()
    assert all(parameter.grad is None for parameter in trunk.parameters())
    (Path(folder) / f"done-{rank}").touch()
    distributed.destroy_process_group()


@pytest.mark.slow
def test_every_entry_refuses_two_processes(tmp_path: Path) -> None:
    multiprocessing.spawn(work, (str(tmp_path),), nprocs=2)
    assert {path.name for path in tmp_path.glob("done-*")} == {"done-0", "done-1"}


@pytest.mark.parametrize("count", [2, 3, 512])
def test_the_size_of_the_group_is_said(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    steps, trunk = plait.Backward(Equal()), nn.Linear(4, 2)
    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed, "get_world_size", lambda: count)
    for entry in (
        check_one_process,
        lambda: plait.backward(losses(trunk), Equal()),
        lambda: steps(losses(trunk)),
        lambda: plait.Trainer(model(), device="cpu"),
    ):
        with pytest.raises(
            UnsupportedError, match=f"one process; found a process group of {count}"
        ):
            entry()
    assert trunk.weight.grad is None


@pytest.mark.parametrize("make", [Equal, UPGrad])
def test_a_group_of_one_trains(make: type[Equal] | type[UPGrad], alone: None) -> None:
    """Also in a wrapper of torch, which has nothing to add up."""
    wrapped, plain = DistributedDataParallel(nn.Linear(4, 2)), nn.Linear(4, 2)
    plain.load_state_dict(wrapped.module.state_dict())
    plait.backward(losses(wrapped), make())
    plait.backward(losses(plain), make())
    torch.testing.assert_close(wrapped.module.weight.grad, plain.weight.grad)


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
