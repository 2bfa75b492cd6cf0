"""Data without a length, data that can be gone through once, inputs that are no tensors."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from plait import MultiTaskModel, Trainer
from plait.core.errors import CheckpointError, DataError
from plait.data import loader
from plait.data.passes import batches_in
from plait.regularization import Cosine
from plait.sharing import Hard, Separate
from plait.tasks import Classification, Regression
from tests.training import problem


class Stream(IterableDataset[Any]):
    def __iter__(self) -> Iterator[Any]:
        draw = torch.Generator().manual_seed(0)
        for _ in range(26):
            x = torch.randn(4, generator=draw)
            yield x, {"kind": (x[0] > 0).long(), "size": x[1:2]}


def model() -> MultiTaskModel:
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Linear(4, 8), nn.Tanh())
    tasks = [Classification("kind", classes=2), Regression("size")]
    return MultiTaskModel(Hard(encoder), tasks, example=torch.zeros(2, 4))


@pytest.mark.parametrize("balancer", ["Equal", "UPGrad", "DWA", "MoDo", "AutoLambda"])
@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_stream_trains_as_the_list_of_its_batches(balancer: str, accumulate: int) -> None:
    if balancer == "AutoLambda" and accumulate > 1:
        return
    found = []
    for stream in (True, False):
        data: Any = DataLoader(Stream(), batch_size=4)
        net = model()
        options: dict[str, Any] = {"epochs": 2, "device": "cpu", "accumulate": accumulate}
        options["optimizer"] = torch.optim.SGD
        trainer = Trainer(net, problem.balancer(balancer), **options)
        trainer.fit(data if stream else list(data), val=data if stream else list(data))
        found.append(net.state_dict())
        assert trainer.state.epoch == 2
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_a_loader_of_a_stream_has_no_length() -> None:
    assert batches_in(DataLoader(Stream(), batch_size=4)) is None
    assert batches_in(iter([1])) is None
    assert batches_in([1, 2]) == 2


@pytest.mark.parametrize("which", ["training", "validation"])
def test_a_generator_serves_one_epoch(which: str) -> None:
    batches = list(DataLoader(Stream(), batch_size=8))

    def once() -> Any:
        return (each for each in batches)

    data: Any = (once(), batches) if which == "training" else (batches, once())
    with pytest.raises(DataError, match=f"the {which} data are a generator, which can be gone"):
        Trainer(model(), epochs=2, device="cpu").fit(*data)
    assert Trainer(model(), epochs=1, device="cpu").fit(once(), once()).step == 4


def test_a_stream_that_ends_for_good_is_said() -> None:
    class Once:
        left = 1

        def __iter__(self) -> Iterator[Any]:
            self.left -= 1
            return iter(list(DataLoader(Stream(), batch_size=8)) if self.left >= 0 else [])

    with pytest.raises(DataError, match=r"no batch in epoch 2\. It has to start anew each time"):
        Trainer(model(), epochs=2, device="cpu").fit(Once())


def test_the_loader_of_plait_gives_a_stream_as_the_loader_of_torch_does() -> None:
    ours, theirs = loader(Stream(), batch_size=4, shuffle=False), DataLoader(Stream(), batch_size=4)
    assert batches_in(ours) is None
    for one, other in zip(ours, theirs, strict=True):
        assert torch.equal(one[0], other[0])
        assert all(torch.equal(one[1][task], other[1][task]) for task in ("kind", "size"))


# --- inputs that are no tensors -------------------------------------------------------------


@dataclass
class Graphs:
    atoms: Tensor
    owner: Tensor
    count: int

    def to(self, device: torch.device) -> "Graphs":
        return Graphs(self.atoms.to(device), self.owner.to(device), self.count)


class GraphNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 8)

    def forward(self, graphs: Graphs) -> Tensor:
        hidden = self.layer(graphs.atoms).relu()
        return hidden.new_zeros(graphs.count, 8).index_add(0, graphs.owner, hidden)


class WordNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(50, 8)

    def forward(self, sentences: list[str]) -> Tensor:
        lengths = [torch.tensor([len(word) for word in each.split()]) for each in sentences]
        return torch.stack([self.words(each).mean(0) for each in lengths])


def graphs(count: int) -> Graphs:
    return Graphs(torch.randn(3 * count, 4), torch.arange(count).repeat_interleave(3), count)


def labels(count: int) -> dict[str, Tensor]:
    return {"kind": torch.arange(count) % 2, "size": torch.randn(count, 1)}


KINDS: dict[str, Any] = {
    "graphs": (GraphNet, graphs(2), [(graphs(n), labels(n)) for n in (6, 3, 4)]),
    "words": (WordNet, ["a bc", "d"], [(["ab c", "d ef g", "hi"], labels(3)) for _ in range(3)]),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("balancer", ["Equal", "UPGrad", "MoDo", "FAMO", "AutoLambda"])
@pytest.mark.parametrize("accumulate", [1, 3])
def test_inputs_may_be_any_objects(kind: str, balancer: str, accumulate: int) -> None:
    net, example, batches = KINDS[kind]
    method = problem.balancer(balancer)
    if accumulate > 1 and method.batches > 1:
        return
    tasks = [Classification("kind", classes=2), Regression("size")]
    built = MultiTaskModel(
        Separate(net), tasks, example=example, regularization=[Cosine(strength=0.1)]
    )
    options: dict[str, Any] = {"accumulate": accumulate, "optimizer": torch.optim.SGD}
    state = Trainer(built, method, epochs=2, device="cpu", **options).fit(batches, val=batches)
    assert state.epoch == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_of_objects_is_saved_and_read_back(kind: str, tmp_path: Path) -> None:
    net, example, batches = KINDS[kind]
    built = MultiTaskModel(Hard(net()), [Regression("size")], example=example)
    built.save_pretrained(tmp_path)
    if kind == "graphs":
        with pytest.raises(CheckpointError, match=r"from_pretrained\(folder, example=...\)"):
            MultiTaskModel.from_pretrained(tmp_path, encoder=net())
    given = {"example": example} if kind == "graphs" else {}
    again = MultiTaskModel.from_pretrained(tmp_path, encoder=net(), **given)
    assert torch.equal(again(batches[0][0])["size"], built(batches[0][0])["size"])


@pytest.mark.parametrize("data", [None, 3, problem.data()])
def test_what_gives_no_batches_is_refused(data: Any) -> None:
    with pytest.raises(DataError, match="the training data must be a loader of batches; found"):
        Trainer(model(), epochs=1, device="cpu").fit(data)
